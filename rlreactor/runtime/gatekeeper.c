/* What is asked and told at every tag: gatekeeper.py says what of that is done here. */

#include "../scheduler/horizon.h"
#include "../types.h"
#include "arrivals.h"
#include "position.h"
#include "post.h"
#include "rest.h"
#include <structmember.h>
#include <time.h>

#define NS_PER_S 1000000000
#define SLOWLY 2 /* it is not usual, or takes longer */
#define QUIET 3  /* nothing has come */

static PyTypeObject *arrivals_type, *horizon_type, *position_type;
static PyObject *post_type, *rest_type;
static ArrivalsCalls *arrivals_calls;
static PostCalls *post_calls;
static RestCalls *rest_calls;
static PyObject *name_announce, *name_announce_at, *name_at_gate, *name_end_tag, *name_go_on, *name_give_slots_back;
static PyObject *name_look_around, *name_waiting;

typedef struct {
    PyObject_HEAD
    PyObject *neighbourhood, *admission, *outbox, *intake, *post, *rest;
    Arrivals *arrivals;
    Horizon *horizon;
    Position *position;
    PyObject *ended; /* a list: slots to be given back at the end of the tag */
    Point timeout;
    int64_t ranks, looks, most_approaches, told_every;
    int64_t tags, approaches, waited_ns; /* approaches: to the next tag */
    int (*look)(Arrivals *, int64_t);
    char interrupted, creeps; /* whether it last went on because it had looked at everybody */
    char has_sent; /* at this tag, after its last reaction */
    char is_announced; /* that it waits */
} Gatekeeper;

static PyObject *keeper_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *neighbourhood, *admission, *outbox, *intake;
    PyObject *ended, *post, *arrivals, *rest, *horizon, *position, *timeout;
    long long ranks, looks, most_approaches, told_every;
    int shares;
    Point last;
    if (!PyArg_ParseTuple(args, "OOOOO!O!O!O!O!O!OLLpLL:Gatekeeper", &neighbourhood, &admission, &outbox, &intake,
                          &PyList_Type, &ended, post_type, &post, arrivals_type, &arrivals, rest_type, &rest,
                          horizon_type, &horizon, position_type, &position, &timeout, &ranks, &looks, &shares,
                          &most_approaches, &told_every) ||
        point_of(timeout, &last) < 0)
        return NULL;
    Gatekeeper *self = (Gatekeeper *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->neighbourhood = Py_NewRef(neighbourhood);
    self->admission = Py_NewRef(admission);
    self->outbox = Py_NewRef(outbox);
    self->intake = Py_NewRef(intake);
    self->post = Py_NewRef(post);
    self->rest = Py_NewRef(rest);
    self->arrivals = (Arrivals *)Py_NewRef(arrivals);
    self->horizon = (Horizon *)Py_NewRef(horizon);
    self->position = (Position *)Py_NewRef(position);
    self->ended = Py_NewRef(ended);
    self->timeout = last;
    self->ranks = ranks;
    self->looks = looks;
    self->look = shares ? arrivals_calls->look_in_turn : arrivals_calls->look;
    self->most_approaches = most_approaches;
    self->told_every = told_every;
    return (PyObject *)self;
}

static int keeper_traverse(Gatekeeper *self, visitproc visit, void *arg)
{
    Py_VISIT(self->neighbourhood);
    Py_VISIT(self->admission);
    Py_VISIT(self->outbox);
    Py_VISIT(self->intake);
    Py_VISIT(self->post);
    Py_VISIT(self->rest);
    Py_VISIT(self->arrivals);
    Py_VISIT(self->horizon);
    Py_VISIT(self->position);
    Py_VISIT(self->ended);
    return 0;
}

static int keeper_clear(Gatekeeper *self)
{
    Py_CLEAR(self->neighbourhood);
    Py_CLEAR(self->admission);
    Py_CLEAR(self->outbox);
    Py_CLEAR(self->intake);
    Py_CLEAR(self->post);
    Py_CLEAR(self->rest);
    Py_CLEAR(self->arrivals);
    Py_CLEAR(self->horizon);
    Py_CLEAR(self->position);
    Py_CLEAR(self->ended);
    return 0;
}

static void keeper_dealloc(Gatekeeper *self)
{
    PyObject_GC_UnTrack(self);
    keeper_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static int called(PyObject *result)
{
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * (int64_t)NS_PER_S + now.tv_nsec;
}

/* Look for a moment whether anything comes, and take it in: 0, QUIET, SLOWLY, or -1 with an error set. */
static int look(Gatekeeper *self, int *is_news)
{
    int64_t start = now_ns();
    int has_come = self->look(self->arrivals, self->looks);
    self->waited_ns += now_ns() - start;
    if (!has_come)
        return QUIET;
    int found = arrivals_calls->receive(self->arrivals, is_news);
    return found == UNUSUAL ? SLOWLY : found;
}

/* Once everybody was told that this worker waits, rest until there is news and take it in: 0, SLOWLY or -1. */
static int rest(Gatekeeper *self, PyObject *announcement, int *is_news)
{
    self->is_announced = 1;
    if (announcement == NULL)
        return -1;
    int64_t found = PyLong_AsLongLong(announcement);
    Py_DECREF(announcement);
    if (PyErr_Occurred() || found == UNUSUAL || self->interrupted)
        return PyErr_Occurred() ? -1 : SLOWLY;
    *is_news |= found == NEWS;
    if (found == NOTHING) {
        int64_t start = now_ns();
        int is_over = rest_calls->until_news(self->rest);
        self->waited_ns += now_ns() - start;
        if (is_over < 1 || self->interrupted)
            return is_over < 0 ? -1 : SLOWLY;
    }
    int received = arrivals_calls->receive(self->arrivals, is_news);
    return received == UNUSUAL ? SLOWLY : received;
}

/* Nobody is waited for any more. */
static int go_on(Gatekeeper *self)
{
    if (!self->is_announced)
        return 0;
    self->is_announced = 0;
    return called(PyObject_CallMethodNoArgs(self->admission, name_go_on));
}

/* Send what waits, or say that there is nothing: all before `rank` has run. */
static int said(Gatekeeper *self, int64_t rank)
{
    Point tag;
    if (!post_calls->is_empty(self->post)) {
        int is_left = post_calls->flush(self->post, rank);
        return is_left > 0 ? called(PyObject_CallMethod(self->outbox, "send_rest", "L", (long long)rank)) : is_left;
    }
    if (point_of(self->position->execution->tag, &tag) < 0)
        return -1;
    return post_calls->tell(self->post, (Triple){tag.time, tag.microstep, rank});
}

/* Whether all that is read at a gate is known: 1, 0, SLOWLY or -1 with an error set. */
static int pass(Gatekeeper *self, PyObject *rank)
{
    const Horizon *horizon = self->horizon;
    Edges *edges = (Edges *)PyDict_GetItemWithError(horizon->at_gate, rank);
    int64_t gate = PyLong_AsLongLong(rank);
    int is_news = 0;
    Point tag;
    if (PyErr_Occurred() || point_of(self->position->execution->tag, &tag) < 0)
        return -1;
    if (edges == NULL)
        return SLOWLY;
    if (are_all_after(edges, tag) || is_earlier(tag, horizon->floor))
        return 1;
    int found = arrivals_calls->receive_few(self->arrivals, &is_news);
    if (found < 0 || found == UNUSUAL)
        return found < 0 ? -1 : SLOWLY;
    if (!are_all_after(edges, tag) && said(self, gate) < 0) /* may have to wait for room, and hear of more meanwhile */
        return -1;
    for (int64_t looks = 1; !are_all_after(edges, tag); looks++) {
        found = look(self, &is_news);
        if (found == QUIET || (found == NOTHING && looks % self->most_approaches == 0)) {
            rest_calls->note(self->rest);
            found = rest(self, PyObject_CallMethodOneArg(self->admission, name_announce_at, rank), &is_news);
        }
        if (found)
            return found;
    }
    return go_on(self) < 0 ? -1 : !self->interrupted;
}

static PyObject *keeper_at_gate(Gatekeeper *self, PyObject *rank)
{
    int passed = pass(self, rank);
    if (passed < 0)
        return NULL;
    return passed == SLOWLY ? PyObject_CallMethodOneArg(self->admission, name_at_gate, rank)
                            : PyBool_FromLong(passed);
}

static PyObject *keeper_done(Gatekeeper *self, PyObject *rank)
{
    int64_t last = PyLong_AsLongLong(rank);
    if (PyErr_Occurred() || said(self, last + 1) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* As `Admission.clear`. */
static PyObject *keeper_clear_tag(Gatekeeper *self, PyObject *given)
{
    const Horizon *horizon = self->horizon;
    Point tag;
    if (point_of(given, &tag) < 0)
        return NULL;
    if (is_earlier(horizon->latest, tag) || !is_earlier(tag, horizon->stops) || is_same(tag, self->timeout))
        Py_RETURN_FALSE;
    if (go_on(self) < 0)
        return NULL;
    self->position->in_tag = 1;
    self->approaches = 0;
    Py_RETURN_TRUE;
}

/* Whether nothing waits that came from elsewhere: over physical connections, or as a call. -1 with an error set. */
static int is_undisturbed(const Position *position)
{
    PyObject *waiting = PyObject_GetAttr(position->inbox, name_waiting);
    Py_XDECREF(waiting);
    if (waiting == NULL)
        return -1;
    return waiting == Py_False && position->scheduler->is_called == Py_False;
}

/* The tag that would be processed next: as `Scheduler.candidate` while nobody calls. */
static int candidate_of(const Position *position, Point *candidate, Point *head)
{
    if (point_of(position->scheduler->bound, candidate) < 0 || point_of(position->queue->head, head) < 0)
        return -1;
    if (is_earlier(*head, *candidate))
        *candidate = *head;
    return 0;
}

/* Look at everybody at once: whether that allows more than was known, or -1 with an error set. */
static int looked_around(Gatekeeper *self)
{
    PyObject *allows_more = PyObject_CallMethodNoArgs(self->admission, name_look_around);
    Py_XDECREF(allows_more);
    self->is_announced = 1;
    if (allows_more == NULL)
        return -1;
    self->creeps = allows_more == Py_True;
    return self->creeps;
}

/* Whether anything has come that may let this worker go on: 1, SLOWLY or -1 with an error set. */
static int approach(Gatekeeper *self)
{
    Point candidate, head;
    self->position->in_tag = 0;
    int is_news = 0, is_first = self->approaches == 0;
    int found = (is_first ? arrivals_calls->receive_few : arrivals_calls->receive)(self->arrivals, &is_news);
    if (self->creeps && found == NOTHING && (found = looked_around(self)))
        return found;
    if (found == NOTHING && !is_news && !self->interrupted)
        found = look(self, &is_news);
    int is_undisturbed_yet = found < 0 ? -1 : is_undisturbed(self->position);
    if (found == QUIET && is_undisturbed_yet > 0) {
        rest_calls->note(self->rest);
        found = rest(self, PyObject_CallMethodNoArgs(self->admission, name_announce), &is_news);
        is_undisturbed_yet = found < 0 ? -1 : is_undisturbed(self->position);
    }
    if (is_undisturbed_yet < 0 || candidate_of(self->position, &candidate, &head) < 0)
        return -1;
    if (is_news && is_undisturbed_yet) /* lets others start too */
        if (post_calls->tell(self->post, post_calls->promised(self->post, candidate)) < 0)
            return -1;
    if (!is_news || !is_undisturbed_yet || found == UNUSUAL || self->interrupted)
        return SLOWLY;
    return ++self->approaches % self->most_approaches ? 1 : looked_around(self) < 0 ? -1 : 1;
}

static PyObject *keeper_approach(Gatekeeper *self, PyObject *unused)
{
    int is_nearer = approach(self);
    return is_nearer < 0 ? NULL : PyBool_FromLong(is_nearer == 1);
}

/* Give slots back; whether the end of the tag is usual. -1 with an error set. */
static int is_usual_end(Gatekeeper *self)
{
    const Position *position = self->position;
    Point tag, bound;
    if (PyList_GET_SIZE(self->ended) && called(PyObject_CallMethodNoArgs(self->intake, name_give_slots_back)) < 0)
        return -1;
    if (!self->arrivals->is_usual)
        return 0;
    if (point_of(position->execution->tag, &tag) < 0 || point_of(position->scheduler->bound, &bound) < 0)
        return -1;
    return is_earlier(tag, bound) ? is_undisturbed(position) : 0;
}

/* Send what is left at the end of a tag, if anything. */
static int send_last(Gatekeeper *self)
{
    if (post_calls->is_empty(self->post))
        return 0;
    int is_left = post_calls->finish(self->post, self->ranks);
    self->has_sent = 1;
    return is_left > 0 ? called(PyObject_CallMethod(self->outbox, "send_rest", "L", (long long)self->ranks)) : is_left;
}

static PyObject *keeper_reacted(Gatekeeper *self, PyObject *unused)
{
    if (self->arrivals->is_usual && send_last(self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* As `Neighbourhood.end_tag`. */
static int end_tag(Gatekeeper *self, int sends)
{
    Position *position = self->position;
    Point candidate, head;
    position->in_tag = 0; /* not before: what waits to be sent is in nobody's count */
    if (point_of(position->execution->tag, &position->last) < 0)
        return -1;
    if (++self->tags % self->told_every && !sends)
        return 0;
    int is_news = 0;
    if (sends && arrivals_calls->receive_few(self->arrivals, &is_news) < 0) /* what can be promised may follow from it */
        return -1;
    if (candidate_of(position, &candidate, &head) < 0 || post_calls->promise(self->post, candidate, head) < 0)
        return -1;
    return sends ? post_calls->ring(self->post) : 0;
}

static PyObject *keeper_tag_done(Gatekeeper *self, PyObject *unused)
{
    int is_usual = is_usual_end(self);
    if (is_usual < 0 || (is_usual && send_last(self) < 0))
        return NULL;
    int sends = self->has_sent;
    self->has_sent = 0;
    if (!is_usual)
        return PyObject_CallMethodOneArg(self->neighbourhood, name_end_tag, sends ? Py_True : Py_False);
    if (end_tag(self, sends) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyMemberDef keeper_members[] = {
    {"interrupted", T_BOOL, offsetof(Gatekeeper, interrupted), 0, NULL},
    {"waited_ns", T_LONGLONG, offsetof(Gatekeeper, waited_ns), READONLY, NULL},
    {NULL},
};

static PyMethodDef keeper_methods[] = {
    {"clear", (PyCFunction)keeper_clear_tag, METH_O, "Whether a tag may start by what is known."},
    {"approach", (PyCFunction)keeper_approach, METH_NOARGS, "Whether anything came that may let it start."},
    {"at_gate", (PyCFunction)keeper_at_gate, METH_O, "Wait until all that a reaction reads is known."},
    {"done", (PyCFunction)keeper_done, METH_O, "Every reaction up to this one has run."},
    {"reacted", (PyCFunction)keeper_reacted, METH_NOARGS, "Every reaction of the tag has run."},
    {"tag_done", (PyCFunction)keeper_tag_done, METH_NOARGS, "The tag is finished."},
    {NULL},
};

static PyTypeObject keeper_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.runtime.gatekeeper.Gatekeeper",
    .tp_basicsize = sizeof(Gatekeeper),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "Lets tags start and reactions pass their gates.",
    .tp_new = keeper_new,
    .tp_dealloc = (destructor)keeper_dealloc,
    .tp_traverse = (traverseproc)keeper_traverse,
    .tp_clear = (inquiry)keeper_clear,
    .tp_members = keeper_members,
    .tp_methods = keeper_methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.runtime.gatekeeper", NULL, -1, NULL};

static const Name names[] = {
    {&name_announce, "announce"},
    {&name_announce_at, "announce_at"},
    {&name_go_on, "go_on"},
    {&name_at_gate, "at_gate"},
    {&name_end_tag, "end_tag"},
    {&name_give_slots_back, "give_slots_back"},
    {&name_look_around, "look_around"},
    {&name_waiting, "waiting"},
};

static int is_ready(void)
{
    return has_names(names, sizeof(names) / sizeof(*names)) &&
           (arrivals_type = type_of("rlreactor.runtime.arrivals", "Arrivals", sizeof(Arrivals))) != NULL &&
           (horizon_type = type_of("rlreactor.scheduler.horizon", "Horizon", sizeof(Horizon))) != NULL &&
           (position_type = type_of("rlreactor.runtime.position", "Position", sizeof(Position))) != NULL &&
           (post_type = attribute_of("rlreactor.runtime.post", "Post")) != NULL &&
           (rest_type = attribute_of("rlreactor.runtime.rest", "Rest")) != NULL &&
           (rest_calls = calls_of("rlreactor.runtime.rest", REST_CALLS)) != NULL &&
           (arrivals_calls = calls_of("rlreactor.runtime.arrivals", ARRIVALS_CALLS)) != NULL &&
           (post_calls = calls_of("rlreactor.runtime.post", POST_CALLS)) != NULL;
}

PyMODINIT_FUNC PyInit_gatekeeper(void)
{
    PyObject *made = is_ready() ? PyModule_Create(&module) : NULL;
    if (made != NULL &&
        (PyModule_AddType(made, &keeper_type) < 0 || PyModule_AddObjectRef(made, "IS_OPEN", Py_True) < 0))
        Py_CLEAR(made);
    return made;
}
