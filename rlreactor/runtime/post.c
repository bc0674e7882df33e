/* What leaves by the short way: post.py says what goes it. */

#include "outgoing.h"
#include "parcel.h"
#include "position.h"
#include "post.h"
#include <structmember.h>

static PyTypeObject *edges_type, *horizon_type, *outflow_type, *position_type;

/* Post: all that go out, and those who read from this worker. */

typedef struct {
    PyObject *worker;
    Edges *edges;
    Outgoing *outgoing;
} Listener;

typedef struct {
    Triple frontier;
    Point head, last;
    int64_t received;
} Status;

typedef struct {
    Words *news, *version, *statuses;
} Own;

#define OWN 3

typedef struct {
    PyObject_HEAD
    PyObject *unsent;   /* a dictionary of lists of entries, by worker: what has to go the long way */
    PyObject *outgoing; /* a dictionary, by worker */
    Outgoing **ways;    /* what is in it */
    Own own;
    Horizon *horizon;
    Position *position;
    Status status;
    char is_told;
    char owes_news; /* to those who get no message, until what goes the long way has gone */
    Py_ssize_t count;
    Listener *listeners;
    Py_ssize_t way_count;
} Post;

static int listeners_of(PyObject *given, Post *post)
{
    post->listeners = PyMem_Calloc(PyTuple_GET_SIZE(given) + 1, sizeof(Listener));
    if (post->listeners == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given); i++) {
        PyObject *worker, *edges, *outgoing;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(given, i), "OO!:Post", &worker, edges_type, &edges))
            return -1;
        if ((outgoing = PyDict_GetItemWithError(post->outgoing, worker)) == NULL) {
            if (!PyErr_Occurred())
                PyErr_Format(PyExc_ValueError, "there is no way to worker %R, which listens", worker);
            return -1;
        }
        post->listeners[post->count++] =
            (Listener){Py_NewRef(worker), (Edges *)Py_NewRef(edges), (Outgoing *)Py_NewRef(outgoing)};
    }
    return 0;
}

static int ways_of(PyObject *given, Post *post)
{
    PyObject *worker, *outgoing;
    Py_ssize_t at = 0;
    post->ways = PyMem_Calloc(PyDict_GET_SIZE(given) + 1, sizeof(Outgoing *));
    if (post->ways == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    while (PyDict_Next(given, &at, &worker, &outgoing)) {
        if (!Py_IS_TYPE(outgoing, &outgoing_type)) {
            PyErr_Format(PyExc_TypeError, "expected a way out, received %R", outgoing);
            return -1;
        }
        post->ways[post->way_count++] = (Outgoing *)Py_NewRef(outgoing);
    }
    return 0;
}

static PyObject *post_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *unsent, *outgoing, *listeners, *own, *horizon, *position;
    if (!PyArg_ParseTuple(args, "O!O!O!OO!O!:Post", &PyDict_Type, &unsent, &PyDict_Type, &outgoing, &PyTuple_Type,
                          &listeners, &own, horizon_type, &horizon, position_type, &position))
        return NULL;
    Post *self = (Post *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->unsent = Py_NewRef(unsent);
    self->outgoing = Py_NewRef(outgoing);
    self->horizon = (Horizon *)Py_NewRef(horizon);
    self->position = (Position *)Py_NewRef(position);
    self->status = (Status){{0, 0, 0}, {0, 0}, {0, -1}, 0};
    self->is_told = 1;
    if (words_of(own, (Words **)&self->own, OWN) < 0 || ways_of(outgoing, self) < 0 || listeners_of(listeners, self) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int post_traverse(Post *self, visitproc visit, void *arg)
{
    Py_VISIT(self->unsent);
    Py_VISIT(self->outgoing);
    Py_VISIT(self->horizon);
    Py_VISIT(self->position);
    for (Py_ssize_t i = 0; i < self->count; i++)
        Py_VISIT(self->listeners[i].edges);
    return 0;
}

static int post_clear(Post *self)
{
    Py_CLEAR(self->unsent);
    Py_CLEAR(self->outgoing);
    Py_CLEAR(self->horizon);
    Py_CLEAR(self->position);
    for (Py_ssize_t i = 0; i < OWN; i++)
        Py_CLEAR(((Words **)&self->own)[i]);
    while (self->count) {
        Listener *listener = &self->listeners[--self->count];
        Py_CLEAR(listener->worker);
        Py_CLEAR(listener->edges);
        Py_CLEAR(listener->outgoing);
    }
    PyMem_Free(self->listeners);
    self->listeners = NULL;
    while (self->way_count) {
        Outgoing *way = self->ways[--self->way_count];
        Py_DECREF(way);
    }
    PyMem_Free(self->ways);
    self->ways = NULL;
    return 0;
}

static void post_dealloc(Post *self)
{
    PyObject_GC_UnTrack(self);
    post_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* The current tag, up to a rank. */
static int reached(Post *self, int64_t rank, Triple *head)
{
    Point tag;
    if (point_of(self->position->execution->tag, &tag) < 0)
        return -1;
    *head = (Triple){tag.time, tag.microstep, rank};
    return 0;
}

/* Whether anything is left to the long way to a worker; -1 with an error set. */
static int is_left(Post *self, PyObject *worker)
{
    return PyDict_GET_SIZE(self->unsent) ? PyDict_Contains(self->unsent, worker) : 0;
}

/* Tell the listeners; whether that is news for anybody who gets no message. Or, with `only`, those who do get one. */
static int inform(Post *self, Triple head, int only)
{
    int is_news = 0;
    for (Py_ssize_t i = 0; i < self->count; i++) {
        Listener *listener = &self->listeners[i];
        int gets_one = listener->outgoing->length ? 1 : is_left(self, listener->worker);
        if (gets_one < 0)
            return -1;
        if ((gets_one || !only) && edges_advance(listener->edges, head) && !gets_one)
            is_news = 1;
    }
    return is_news;
}

static int ring_if_asleep(Outgoing *outgoing)
{
    return loaded(outgoing->pair.asleep, 0) ? ring_bell(outgoing->bell) : 0;
}

/* Wake those who were sent anything and have not been woken. */
static int ring(PyObject *post)
{
    Post *self = (Post *)post;
    full_fence();
    for (Py_ssize_t i = 0; i < self->way_count; i++) {
        Outgoing *way = self->ways[i];
        if (way->owes_ring && ring_if_asleep(way) < 0)
            return -1;
        way->owes_ring = 0;
    }
    return 0;
}

/* Send all that is usual; what is then in `unsent` has to go the long way. */
static int send_all(Post *self, Triple head)
{
    for (Py_ssize_t i = 0; i < self->way_count; i++) {
        Outgoing *way = self->ways[i];
        if (!way->length)
            continue;
        int is_sent = send_notice(way, head);
        if (is_sent < 0 || (!is_sent && leave_notice(way, self->unsent) < 0))
            return -1;
        way->length = 0;
        way->owes_ring = 1;
    }
    return 0;
}

/* Add an entry to what goes to a worker: the short way, unless it is too long or something before it was. */
static int add_for(Post *self, PyObject *worker, Parcel *parcel)
{
    Outgoing *way = (Outgoing *)PyDict_GetItemWithError(self->outgoing, worker);
    int waits = way == NULL ? 1 : is_left(self, worker);
    if (PyErr_Occurred() || (!waits && takes_entry(way, &parcel->entry)))
        return PyErr_Occurred() ? -1 : 0;
    if (way != NULL && leave_notice(way, self->unsent) < 0)
        return -1;
    PyObject *whole = whole_of(parcel);
    return whole == NULL ? -1 : leave(self->unsent, worker, whole);
}

static PyObject *post_add(Post *self, PyObject *given)
{
    if (!PyObject_TypeCheck(given, outflow_type)) {
        PyErr_Format(PyExc_TypeError, "expected an outlet, received %R", given);
        return NULL;
    }
    Outflow *outlet = (Outflow *)given;
    PyObject *remote = outlet->remote;
    if (remote == NULL || !PyTuple_Check(remote)) {
        PyErr_Format(PyExc_TypeError, "expected a tuple of workers, received %R", remote);
        return NULL;
    }
    Parcel parcel = {.view = {.obj = NULL}, .whole = NULL};
    int failed = pack(&parcel, outlet) < 0;
    for (Py_ssize_t i = 0; !failed && i < PyTuple_GET_SIZE(remote); i++)
        failed = add_for(self, PyTuple_GET_ITEM(remote, i), &parcel) < 0;
    empty(&parcel);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

/* Replace the status of this worker, if it differs. */
static void publish(Post *self, const Status *status, int is_news)
{
    Own *own = &self->own;
    if (!memcmp(status, &self->status, sizeof(Status)))
        return;
    self->status = *status;
    self->is_told = 0;
    int64_t version = loaded(own->version, 0) + 1;
    Py_ssize_t at = version % GENERATIONS * (own->statuses->count / GENERATIONS);
    put_word(own->statuses, at, version);
    for (size_t i = 0; i < sizeof(Status) / WORD; i++)
        put_word(own->statuses, at + 1 + i, ((const int64_t *)status)[i]);
    put_word(own->version, 0, version);
    if (is_news)
        put_word(own->news, 0, version);
}

/* Wake those to whom what has been published makes a difference, if they wait for it. */
static int wake(Post *self)
{
    full_fence();
    for (Py_ssize_t i = 0; i < self->count; i++) {
        Listener *listener = &self->listeners[i];
        int64_t wanted = loaded(listener->outgoing->pair.wanted, 0);
        if (edges_moved_past(listener->edges, wanted) && ring_if_asleep(listener->outgoing) < 0)
            return -1;
    }
    return 0;
}

static int learn(Post *self, Triple frontier)
{
    int is_news = 0;
    for (Py_ssize_t i = 0; i < self->count; i++)
        is_news |= edges_advance(self->listeners[i].edges, frontier);
    return is_news;
}

static Status status_with(Post *self, Triple frontier, Point head)
{
    return (Status){frontier, head, self->position->last, self->position->received};
}

/* Publish and wake if that is news to anybody. */
static int tell(PyObject *post, Triple frontier)
{
    Post *self = (Post *)post;
    Point head;
    if (!learn(self, frontier))
        return 0;
    if (head_of(self->position, &head) < 0)
        return -1;
    Status status = status_with(self, frontier, head);
    publish(self, &status, 1);
    return wake(self);
}

/* Publish in any case, and wake if the frontier is news to anybody. */
static int say(Post *self, Triple frontier, Point head)
{
    int is_news = learn(self, frontier);
    Status status = status_with(self, frontier, head);
    publish(self, &status, is_news);
    return is_news ? wake(self) : 0;
}

static Triple promised(PyObject *post, Point candidate)
{
    const Horizon *horizon = ((Post *)post)->horizon;
    return reached_by(horizon->edges, candidate, horizon->floor);
}

static int promise(PyObject *post, Point candidate, Point head)
{
    return say((Post *)post, promised(post, candidate), head);
}

/* What those are owed who get no message: how far this worker is. */
static int pay(Post *self, Triple frontier)
{
    Point head;
    self->owes_news = 0;
    if (head_of(self->position, &head) < 0)
        return -1;
    Status status = status_with(self, frontier, head);
    publish(self, &status, 1);
    return 0;
}

static int is_empty(PyObject *post)
{
    const Post *self = (Post *)post;
    for (Py_ssize_t i = 0; i < self->way_count; i++)
        if (self->ways[i]->length)
            return 0;
    return !PyDict_GET_SIZE(self->unsent);
}

/* Whether anything has to go the long way. */
static int are_left(const Post *self)
{
    return PyDict_GET_SIZE(self->unsent) > 0;
}

static int flush(PyObject *post, int64_t rank)
{
    Post *self = (Post *)post;
    Triple head;
    if (reached(self, rank, &head) < 0)
        return -1;
    int is_news = inform(self, head, 0);
    if (is_news < 0 || send_all(self, head) < 0 || ring(post) < 0)
        return -1;
    self->owes_news |= is_news;
    if (are_left(self) || !self->owes_news)
        return are_left(self);
    return pay(self, head) < 0 ? -1 : wake(self);
}

static int finish(PyObject *post, int64_t rank)
{
    Post *self = (Post *)post;
    Triple head;
    if (reached(self, rank, &head) < 0 || inform(self, head, 1) < 0 || send_all(self, head) < 0)
        return -1;
    return are_left(self);
}

static PostCalls calls = {is_empty, flush, finish, ring, tell, promise, promised};

static PyObject *done(int failed)
{
    if (failed < 0)
        return NULL;
    Py_RETURN_NONE;
}

static int takes(Py_ssize_t count, Py_ssize_t expected)
{
    if (count == expected)
        return 1;
    PyErr_Format(PyExc_TypeError, "expected %zd arguments, received %zd", expected, count);
    return 0;
}

static PyObject *whether_left(PyObject *self, PyObject *given, int (*send)(PyObject *, int64_t))
{
    int64_t rank = PyLong_AsLongLong(given);
    int is_left = PyErr_Occurred() ? -1 : send(self, rank);
    return is_left < 0 ? NULL : PyBool_FromLong(is_left);
}

static PyObject *post_flush(PyObject *self, PyObject *rank)
{
    return whether_left(self, rank, flush);
}

static PyObject *post_finish(PyObject *self, PyObject *rank)
{
    return whether_left(self, rank, finish);
}

static PyObject *post_catch_up(Post *self, PyObject *given)
{
    Triple head;
    int64_t rank = PyLong_AsLongLong(given);
    if (PyErr_Occurred() || reached(self, rank, &head) < 0)
        return NULL;
    int failed = self->owes_news ? pay(self, head) : 0;
    full_fence();
    for (Py_ssize_t i = 0; !failed && i < self->count; i++) /* all: other news may have moved the edges since */
        failed = ring_if_asleep(self->listeners[i].outgoing);
    return done(failed);
}

static PyObject *post_ring(PyObject *self, PyObject *unused)
{
    return done(ring(self));
}

static PyObject *post_publish(Post *self, PyObject *const *args, Py_ssize_t count)
{
    Triple frontier;
    Point head;
    if (!takes(count, 3) || triple_of(args[0], &frontier) < 0 || point_of(args[1], &head) < 0)
        return NULL;
    Status status = status_with(self, frontier, head);
    publish(self, &status, PyObject_IsTrue(args[2]));
    Py_RETURN_NONE;
}

static PyObject *post_tell(PyObject *self, PyObject *given)
{
    Triple frontier;
    return triple_of(given, &frontier) < 0 ? NULL : done(tell(self, frontier));
}

static PyObject *post_say(Post *self, PyObject *const *args, Py_ssize_t count)
{
    Triple frontier;
    Point head;
    if (!takes(count, 2) || triple_of(args[0], &frontier) < 0 || point_of(args[1], &head) < 0)
        return NULL;
    return done(say(self, frontier, head));
}

static PyObject *post_promise(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    Point candidate, head;
    if (!takes(count, 2) || point_of(args[0], &candidate) < 0 || point_of(args[1], &head) < 0)
        return NULL;
    return done(promise(self, candidate, head));
}

static PyObject *get_frontier(Post *self, void *unused)
{
    return triple_as_tuple(self->status.frontier);
}

static PyObject *get_is_empty(PyObject *self, void *unused)
{
    return PyBool_FromLong(is_empty(self));
}

static PyMemberDef post_members[] = {
    {"is_told", T_BOOL, offsetof(Post, is_told), 0, NULL},
    {NULL},
};

static PyGetSetDef post_properties[] = {
    {"frontier", (getter)get_frontier, NULL, "What was published last.", NULL},
    {"is_empty", get_is_empty, NULL, "Whether nothing waits to be sent.", NULL},
    {NULL},
};

static PyMethodDef post_methods[] = {
    {"add", (PyCFunction)post_add, METH_O, "A value for every worker that reads the port."},
    {"flush", post_flush, METH_O, "Send, and wake who gets any; whether anything is left."},
    {"finish", post_finish, METH_O, "Send, and wake nobody yet; whether anything is left."},
    {"catch_up", (PyCFunction)post_catch_up, METH_O, "Say what had to wait until nothing was left."},
    {"ring", post_ring, METH_NOARGS, "Wake those to whom the last `finish` sent anything."},
    {"publish", (PyCFunction)(void (*)(void))post_publish, METH_FASTCALL, "Replace the status, if it differs."},
    {"tell", post_tell, METH_O, "Publish and wake if it is news to anybody."},
    {"say", (PyCFunction)(void (*)(void))post_say, METH_FASTCALL, "Publish, and wake if it is news to anybody."},
    {"promise", (PyCFunction)(void (*)(void))post_promise, METH_FASTCALL, "Say what follows from what comes next."},
    {NULL},
};

static PyTypeObject post_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.runtime.post.Post",
    .tp_basicsize = sizeof(Post),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "The short way to all workers that it leads to.",
    .tp_new = post_new,
    .tp_dealloc = (destructor)post_dealloc,
    .tp_traverse = (traverseproc)post_traverse,
    .tp_clear = (inquiry)post_clear,
    .tp_members = post_members,
    .tp_getset = post_properties,
    .tp_methods = post_methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.runtime.post", NULL, -1, NULL};

static const Name names[] = {
    {&name_sent, "sent"},
    {&name_spec, "spec"},
    {&name_encode, "encode"},
};

static int is_ready(void)
{
    return has_shared_names() && has_names(names, sizeof(names) / sizeof(*names)) &&
           (cell_type = type_of("rlreactor.access", "Cell", sizeof(Cell))) != NULL &&
           (position_type = type_of("rlreactor.runtime.position", "Position", sizeof(Position))) != NULL &&
           (lender_type = type_of("rlreactor.lender", "Lender", sizeof(Lender))) != NULL &&
           (slots_type = type_of("rlreactor.links.slot_lender", "SlotLender", sizeof(SlotLender))) != NULL &&
           (outflow_type = type_of("rlreactor.scheduler.steady", "Outflow", sizeof(Outflow))) != NULL &&
           (horizon_type = type_of("rlreactor.scheduler.horizon", "Horizon", sizeof(Horizon))) != NULL &&
           (edges_type = type_of("rlreactor.scheduler.edges", "Edges", sizeof(Edges))) != NULL;
}

PyMODINIT_FUNC PyInit_post(void)
{
    PyObject *made = is_ready() ? PyModule_Create(&module) : NULL;
    if (made == NULL)
        return NULL;
    if (PyModule_AddType(made, &outgoing_type) < 0 || PyModule_AddType(made, &post_type) < 0 ||
        add_calls(made, POST_CALLS, &calls) < 0 ||
        PyModule_AddObjectRef(made, "IS_OPEN", Py_True) < 0) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}
