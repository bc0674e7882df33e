/* What arrives by the short way: arrivals.py says what goes it. A record that is not usual is left where it is. */

#include "arrivals.h"
#include "../lent.h"
#include "../numbers.h"
#include "position.h"
#include "shortcut.h"
#include <immintrin.h>
#include <sched.h>
#include <structmember.h>

#define WAITS_FOR_ROOM 2      /* as in board.py */
#define FIRST_STOP 0xFFFFFFFE /* as in wire.py */
#define TALLY "seen backlog received_from"
#define FEW 4    /* messages that wait for their tag, beside which others may stay in the ring */
#define ALL INT64_MAX
#define PARTLY 2 /* some were taken in */
#define PAUSES 8 /* of a look: it then takes about as long as one that is compiled from Python */

static PyTypeObject *cell_type, *horizon_type, *lent_type, *position_type;
static PyObject *tag_type;
static AgendaCalls *agenda_calls;
static PyObject *name_fire, *name_decode, *name_leased;

/* Where values arrive: an inlet, and its port. */

typedef struct {
    PyObject *inlet;
    Cell *cell;
    int64_t shift, microsteps; /* of its delay */
    int is_physical;
} Inlet;

typedef struct {
    uint32_t index;
    PyObject *port;
    PyObject *values; /* a list of what lies in memory that is used again */
    Py_ssize_t next;
    int has_slots, is_usual, carries_numbers;
    Py_ssize_t count;
    Inlet *inlets;
} Port;

static int inlet_of(PyObject *given, Inlet *inlet)
{
    PyObject *delay = PyObject_GetAttrString(given, "delay"), *physical;
    PyObject *cell = PyObject_GetAttrString(given, "cell");
    long long shift, microsteps;
    inlet->inlet = Py_NewRef(given);
    if (delay != NULL && cell != NULL && Py_IS_TYPE(cell, cell_type) &&
        PyArg_ParseTuple(delay, "LLO:Delay", &shift, &microsteps, &physical)) {
        inlet->cell = (Cell *)Py_NewRef(cell);
        inlet->shift = shift;
        inlet->microsteps = microsteps;
        inlet->is_physical = PyObject_IsTrue(physical);
    } else if (!PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "expected a cell, received %R", cell);
    Py_XDECREF(delay);
    Py_XDECREF(cell);
    return inlet->cell == NULL ? -1 : 0;
}

static int inlets_of(PyObject *given, Port *port)
{
    PyObject *inlets = PyObject_GetAttrString(given, "inlets");
    if (inlets == NULL || !PyTuple_Check(inlets))
        goto failed;
    port->inlets = PyMem_Calloc(PyTuple_GET_SIZE(inlets) + 1, sizeof(Inlet));
    if (port->inlets == NULL)
        goto failed;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(inlets); i++) {
        port->count = i + 1;
        if (inlet_of(PyTuple_GET_ITEM(inlets, i), &port->inlets[i]) < 0)
            goto failed;
        port->is_usual &= !port->inlets[i].is_physical;
    }
    Py_DECREF(inlets);
    return 0;
failed:
    Py_XDECREF(inlets);
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "expected a port with inlets");
    return -1;
}

static int port_of(PyObject *index, PyObject *given, Port *port)
{
    PyObject *slots = PyObject_GetAttrString(given, "slots");
    PyObject *carries_numbers = PyObject_GetAttrString(given, "carries_numbers");
    port->values = PyObject_GetAttrString(given, "values");
    port->index = (uint32_t)PyLong_AsUnsignedLong(index);
    port->port = Py_NewRef(given);
    port->has_slots = slots != Py_None;
    port->carries_numbers = carries_numbers == Py_True;
    port->is_usual = 1;
    Py_XDECREF(slots);
    Py_XDECREF(carries_numbers);
    if (port->values != NULL && !PyList_Check(port->values))
        PyErr_Format(PyExc_TypeError, "expected a list of values, received %R", port->values);
    return PyErr_Occurred() ? -1 : inlets_of(given, port);
}

static int compare_ports(const void *one, const void *other)
{
    uint32_t a = ((const Port *)one)->index, b = ((const Port *)other)->index;
    return (a > b) - (a < b);
}

/* Incoming */

typedef struct {
    PyObject_HEAD
    Pair pair;
    Py_ssize_t worker;
    PyObject *bell;
    Position *position;
    Horizon *horizon;
    Edges *edges; /* NULL: it sends nothing but stops */
    int is_early;
    PyObject *seen, *backlog, *received_from; /* lists, by worker */
    int64_t longest, most;
    Point after;
    Port *ports;
    Py_ssize_t count, hint; /* where the last port was found */
} Incoming;

static int ports_of(PyObject *given, Incoming *self)
{
    PyObject *index, *port;
    Py_ssize_t at = 0;
    self->ports = PyMem_Calloc(PyDict_GET_SIZE(given) + 1, sizeof(Port));
    if (self->ports == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    while (PyDict_Next(given, &at, &index, &port))
        if (port_of(index, port, &self->ports[self->count++]) < 0)
            return -1;
    qsort(self->ports, self->count, sizeof(Port), compare_ports);
    return 0;
}

static int incoming_of(Incoming *self, PyObject *words, PyObject *ports, PyObject *position, PyObject *tally)
{
    if (!PyArg_ParseTuple(tally, "OOO:Tally", &self->seen, &self->backlog, &self->received_from)) {
        self->seen = self->backlog = self->received_from = NULL;
        return -1;
    }
    Py_INCREF(self->seen);
    Py_INCREF(self->backlog);
    Py_INCREF(self->received_from);
    Py_ssize_t worker = self->worker;
    if (!is_list_for(self->seen, worker) || !is_list_for(self->backlog, worker) ||
        !is_list_for(self->received_from, worker))
        return -1;
    self->position = (Position *)Py_NewRef(position);
    return pair_of(words, &self->pair) < 0 ? -1 : ports_of(ports, self);
}

static int edges_of_worker(Incoming *self)
{
    PyObject *worker = PyLong_FromSsize_t(self->worker);
    PyObject *edges = worker == NULL ? NULL : PyDict_GetItemWithError(self->horizon->of_worker, worker);
    Py_XDECREF(worker);
    self->edges = (Edges *)Py_XNewRef(edges);
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *incoming_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *words, *bell, *horizon, *ports, *position, *tally;
    Py_ssize_t worker;
    long long longest, most;
    int is_early;
    if (!PyArg_ParseTuple(args, "OnOpO!O!O!O!LL:Incoming", &words, &worker, &bell, &is_early, horizon_type, &horizon,
                          &PyDict_Type, &ports, position_type, &position, &PyTuple_Type, &tally, &longest, &most))
        return NULL;
    Incoming *self = (Incoming *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->worker = worker;
    self->is_early = is_early;
    self->after = (Point){0, -1};
    self->longest = longest;
    self->most = most;
    self->bell = Py_NewRef(bell);
    self->horizon = (Horizon *)Py_NewRef(horizon);
    if (edges_of_worker(self) < 0 || incoming_of(self, words, ports, position, tally) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int incoming_traverse(Incoming *self, visitproc visit, void *arg)
{
    Py_VISIT(self->bell);
    Py_VISIT(self->position);
    Py_VISIT(self->horizon);
    Py_VISIT(self->edges);
    Py_VISIT(self->seen);
    Py_VISIT(self->backlog);
    Py_VISIT(self->received_from);
    for (Py_ssize_t i = 0; i < self->count; i++) {
        Py_VISIT(self->ports[i].port);
        Py_VISIT(self->ports[i].values);
        for (Py_ssize_t j = 0; j < self->ports[i].count; j++) {
            Py_VISIT(self->ports[i].inlets[j].inlet);
            Py_VISIT(self->ports[i].inlets[j].cell);
        }
    }
    return 0;
}

static int incoming_clear(Incoming *self)
{
    clear_pair(&self->pair);
    Py_CLEAR(self->bell);
    Py_CLEAR(self->position);
    Py_CLEAR(self->horizon);
    Py_CLEAR(self->edges);
    Py_CLEAR(self->seen);
    Py_CLEAR(self->backlog);
    Py_CLEAR(self->received_from);
    while (self->count) {
        Port *port = &self->ports[--self->count];
        Py_CLEAR(port->port);
        Py_CLEAR(port->values);
        while (port->count) {
            Inlet *inlet = &port->inlets[--port->count];
            Py_CLEAR(inlet->inlet);
            Py_CLEAR(inlet->cell);
        }
        PyMem_Free(port->inlets);
    }
    PyMem_Free(self->ports);
    self->ports = NULL;
    return 0;
}

static void incoming_dealloc(Incoming *self)
{
    PyObject_GC_UnTrack(self);
    incoming_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static Port *port_at(Incoming *self, uint32_t index)
{
    Py_ssize_t next = self->hint + 1 < self->count ? self->hint + 1 : 0;
    if (self->count && self->ports[next].index == index) /* most come in order */
        return &self->ports[self->hint = next];
    Port wanted = {.index = index};
    Port *port = bsearch(&wanted, self->ports, self->count, sizeof(Port), compare_ports);
    if (port != NULL)
        self->hint = port - self->ports;
    return port;
}

/* An entry of a notice: its port, and its slot or how many bytes follow. */

typedef struct {
    Port *port;
    int32_t slot;
    int64_t size;
    const char *payload;
} Entry;

/* The entry at `at` of a notice that ends at `end`; NULL if it is not usual, else where the next one is. */
static const char *entry_at(Incoming *self, const char *at, const char *end, Entry *entry)
{
    uint32_t index;
    if (end - at < ENTRY)
        return NULL;
    memcpy(&index, at, 4);
    memcpy(&entry->slot, at + 4, 4);
    if (index >= FIRST_STOP || (entry->port = port_at(self, index)) == NULL || !entry->port->is_usual)
        return NULL;
    entry->payload = at + ENTRY;
    entry->size = entry->slot < 0 ? -1 - (int64_t)entry->slot : 0;
    if (entry->size > end - entry->payload || entry->size > self->longest)
        return NULL;
    if (entry->slot >= 0 && !entry->port->has_slots)
        return NULL;
    return entry->payload + ((entry->size + WORD - 1) & -WORD);
}

static int is_usual(Incoming *self, const char *notice, int64_t length, Triple *head)
{
    Entry entry;
    const char *at = notice + NOTICE, *end = notice + length;
    if (length < NOTICE + ENTRY)
        return 0;
    memcpy(head, notice, NOTICE);
    if (head->time < 0 || !is_earlier(self->after, (Point){head->time, head->microstep}))
        return 0;
    do
        at = entry_at(self, at, end, &entry);
    while (at != NULL && at < end);
    return at != NULL;
}

/* The value that lies in memory which nobody holds any more, in place of what lay there; NULL if there is none. */
static PyObject *value_again(const Entry *entry)
{
    Port *port = entry->port;
    Py_ssize_t count = PyList_GET_SIZE(port->values);
    for (Py_ssize_t i = 0; i < count; i++) {
        port->next = port->next + 1 < count ? port->next + 1 : 0;
        Lent *lent = (Lent *)PyList_GET_ITEM(port->values, port->next);
        if (!Py_IS_TYPE((PyObject *)lent, lent_type) || !PyMemoryView_Check(lent->memory) || is_held(lent))
            continue;
        const Py_buffer *memory = PyMemoryView_GET_BUFFER(lent->memory);
        if (memory->len != entry->size)
            return NULL;
        memcpy(memory->buf, entry->payload, entry->size);
        return Py_NewRef(lent->value);
    }
    return NULL;
}

static PyObject *value_of(const Entry *entry)
{
    PyObject *value = entry->port->carries_numbers ? read_plain((const unsigned char *)entry->payload, entry->size)
                                                   : value_again(entry);
    if (value != NULL || PyErr_Occurred())
        return value;
    PyObject *payload = PyBytes_FromStringAndSize(entry->payload, entry->size);
    value = payload == NULL ? NULL : PyObject_CallMethodOneArg(entry->port->port, name_decode, payload);
    Py_XDECREF(payload);
    return value;
}

/* A value, and what is given back when it is not needed any more. */
static PyObject *stored_of(const Entry *entry)
{
    if (entry->slot >= 0) {
        PyObject *slot = PyLong_FromLong(entry->slot);
        PyObject *stored = slot == NULL ? NULL : PyObject_CallMethodOneArg(entry->port->port, name_leased, slot);
        Py_XDECREF(slot);
        return stored;
    }
    PyObject *value = value_of(entry), *stored = value == NULL ? NULL : PyTuple_Pack(2, value, Py_None);
    Py_XDECREF(value);
    return stored;
}

static int called(PyObject *result)
{
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static int arrives_now(Incoming *self, const Port *port, const Inlet *inlet, PyObject *stored)
{
    if (!port->has_slots) /* there is no lease */
        return assign(inlet->cell, PyTuple_GET_ITEM(stored, 0), self->position->execution);
    if (put_number(self->backlog, self->worker, number_in(self->backlog, self->worker) + 1) < 0)
        return -1;
    PyObject *args[] = {inlet->inlet, stored, (PyObject *)self->position->execution};
    return called(PyObject_VectorcallMethod(name_fire, args, 3, NULL));
}

static int arrives_later(Incoming *self, const Inlet *inlet, Point arrival, PyObject *stored)
{
    Point last;
    if (point_of(self->position->scheduler->last, &last) < 0)
        return -1;
    PyObject *tag = point_as_tuple(arrival);
    if (tag == NULL)
        return -1;
    if (!is_earlier(last, arrival)) {
        PyObject *shown = PyObject_Call(tag_type, tag, NULL);
        if (shown != NULL)
            PyErr_Format(link_error, "a message for %S came from worker %zd when that tag was over", shown,
                         self->worker);
        Py_XDECREF(shown);
        Py_DECREF(tag);
        return -1;
    }
    int failed = put_number(self->backlog, self->worker, number_in(self->backlog, self->worker) + 1) < 0;
    PyObject *event = failed ? NULL : PyTuple_Pack(2, inlet->inlet, stored);
    failed = event == NULL ? -1 : agenda_calls->push(self->position->queue, tag, event);
    Py_XDECREF(event);
    Py_DECREF(tag);
    return failed;
}

static int deliver(Incoming *self, const Entry *entry, Point tag, Point now, int in_tag)
{
    PyObject *stored = stored_of(entry);
    int failed = stored == NULL;
    for (Py_ssize_t i = 0; !failed && i < entry->port->count; i++) {
        const Inlet *inlet = &entry->port->inlets[i];
        Point arrival = arrival_after(tag, inlet->shift, inlet->microsteps);
        if (in_tag && arrival.time == now.time && arrival.microstep == now.microstep)
            failed = arrives_now(self, entry->port, inlet, stored) < 0;
        else
            failed = arrives_later(self, inlet, arrival, stored) < 0;
    }
    Py_XDECREF(stored);
    return failed ? -1 : 0;
}

static void advance(Incoming *self, Triple frontier)
{
    if (self->edges != NULL && edges_advance(self->edges, frontier))
        refresh(self->horizon);
}

static int accept_notice(Incoming *self, const char *notice, int64_t length, Triple head)
{
    Point tag = {head.time, head.microstep}, now;
    int in_tag = self->position->in_tag;
    if (point_of(self->position->execution->tag, &now) < 0 ||
        put_number(self->received_from, self->worker, number_in(self->received_from, self->worker) + 1) < 0)
        return -1;
    self->position->received++;
    const char *at = notice + NOTICE, *end = notice + length;
    while (at < end) {
        Entry entry;
        at = entry_at(self, at, end, &entry);
        if (at == NULL) {
            PyErr_Format(link_error, "a notice from worker %zd changed while it was read", self->worker);
            return -1;
        }
        if (deliver(self, &entry, tag, now, in_tag) < 0)
            return -1;
    }
    if (head.rank)
        advance(self, head);
    return 0;
}

/* The newest frontier of the worker; whether it could be had. */
static int read_frontier(Incoming *self, Triple *frontier)
{
    Words *statuses = self->pair.statuses;
    int64_t stride = statuses->count / GENERATIONS;
    for (int tries = 0; tries < 16; tries++) {
        int64_t version = loaded(self->pair.version, 0), at = version % GENERATIONS * stride;
        if (version == 0) {
            *frontier = (Triple){0, 0, 0};
            return 1;
        }
        if (version < 0)
            return 0;
        int64_t stamp = loaded(statuses, at);
        *frontier = (Triple){loaded(statuses, at + 1), loaded(statuses, at + 2), loaded(statuses, at + 3)};
        if (stamp == version && loaded(self->pair.version, 0) - version < GENERATIONS - 1)
            return 1;
    }
    return 0;
}

/* Take in what is usual, until so many wait for their tag, but one at least; whether all was, or enough. */
static int read_ring(Incoming *self, int64_t enough, int *is_news)
{
    Words *ring = self->pair.incoming;
    int64_t capacity = capacity_of(ring), start = loaded(ring, HEAD), head = start, tail = loaded(ring, TAIL);
    int result = 1;
    if (head == tail)
        return 1;
    if (!is_backlog(tail, head, capacity))
        return 0;
    if (self->is_early && loaded(self->pair.waits, 0) && ring_bell(self->bell) < 0)
        return -1;
    while (result == 1 && head != tail && !(*is_news && number_in(self->backlog, self->worker) >= enough)) {
        int64_t at = head % capacity, header = loaded(ring, DATA + at / WORD);
        int64_t kind = header >> 32, length = header & 0xFFFFFFFF, need = record_of(length);
        if (kind == SKIP && length == capacity - at && length <= tail - head) {
            head += length;
            continue;
        }
        const char *notice = bytes_at(ring, at) + WORD;
        Triple promised;
        if (kind != WHOLE || at + need > capacity || need > tail - head || !is_usual(self, notice, length, &promised))
            result = 0;
        else if (accept_notice(self, notice, length, promised) < 0)
            result = -1;
        else {
            head += need;
            *is_news = 1;
        }
    }
    if (result == 1 && head != tail)
        result = PARTLY;
    if (head == start)
        return result;
    put_word(ring, HEAD, head);
    full_fence(); /* the room is stored before the question whether somebody waits for it */
    if (loaded(self->pair.waits, 0) == WAITS_FOR_ROOM && result >= 0 && ring_bell(self->bell) < 0)
        return -1;
    return result;
}

static int receive(Incoming *self, int64_t enough)
{
    int64_t seen = number_in(self->seen, self->worker), news = seen;
    Words *ring = self->pair.incoming;
    if (self->edges != NULL)
        news = loaded(self->pair.news, 0);
    if (news == seen && loaded(ring, TAIL) == loaded(ring, HEAD))
        return NOTHING;
    if (number_in(self->backlog, self->worker) >= self->most)
        return UNUSUAL;
    Triple told; /* first: what it promises to be sent is then in the ring */
    if (news != seen && !read_frontier(self, &told))
        return UNUSUAL;
    int is_news = 0, was_all = read_ring(self, enough, &is_news);
    if (was_all < 1)
        return was_all < 0 ? -1 : UNUSUAL;
    if (was_all == PARTLY) /* what it promises lies beyond what is still to be read */
        return NEWS;
    if (news == seen)
        return is_news ? NEWS : NOTHING;
    if (put_number(self->seen, self->worker, news) < 0)
        return -1;
    advance(self, told);
    return NEWS;
}

static PyObject *incoming_receive(Incoming *self, PyObject *unused)
{
    int found = receive(self, ALL);
    return found < 0 ? NULL : PyLong_FromLong(found);
}

static int has_come(Incoming *self)
{
    Words *ring = self->pair.incoming;
    int is_news = loaded(ring, TAIL) != loaded(ring, HEAD);
    if (!is_news && self->edges != NULL)
        is_news = loaded(self->pair.news, 0) != number_in(self->seen, self->worker);
    return is_news && number_in(self->backlog, self->worker) < self->most;
}

static PyObject *get_after(Incoming *self, void *unused)
{
    return point_as_tuple(self->after);
}

static int set_after(Incoming *self, PyObject *tag, void *unused)
{
    if (tag != NULL)
        return point_of(tag, &self->after);
    PyErr_SetString(PyExc_TypeError, "the last tag that is not wanted cannot be deleted");
    return -1;
}

static PyGetSetDef incoming_properties[] = {
    {"after", (getter)get_after, (setter)set_after, "What was sent up to this tag is not wanted.", NULL},
    {NULL},
};

static PyMethodDef incoming_methods[] = {
    {"receive", (PyCFunction)incoming_receive, METH_NOARGS, "Take in what has come, as far as it is usual."},
    {NULL},
};

static PyTypeObject incoming_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.runtime.arrivals.Incoming",
    .tp_basicsize = sizeof(Incoming),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "The short way from one worker.",
    .tp_new = incoming_new,
    .tp_dealloc = (destructor)incoming_dealloc,
    .tp_traverse = (traverseproc)incoming_traverse,
    .tp_clear = (inquiry)incoming_clear,
    .tp_getset = incoming_properties,
    .tp_methods = incoming_methods,
};

/* Arrivals: all of them */

static int receive_each(Arrivals *self, int64_t enough, int *is_news)
{
    int result = NOTHING;
    for (Py_ssize_t i = 0; self->is_usual && i < PyTuple_GET_SIZE(self->incoming); i++) {
        int found = receive((Incoming *)PyTuple_GET_ITEM(self->incoming, i), enough);
        if (found < 0)
            return -1;
        *is_news |= found == NEWS;
        if (found == UNUSUAL)
            result = UNUSUAL;
    }
    return self->is_usual ? result : UNUSUAL;
}

static int arrivals_receive(Arrivals *self, int *is_news)
{
    return receive_each(self, ALL, is_news);
}

/* Values that were taken in need memory of their own, and a port keeps memory for a few; in the ring they lie well. */
static int arrivals_receive_few(Arrivals *self, int *is_news)
{
    return receive_each(self, FEW, is_news);
}

static int has_any_come(const Arrivals *self)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self->incoming); i++)
        if (has_come((Incoming *)PyTuple_GET_ITEM(self->incoming, i)))
            return 1;
    return 0;
}

static int arrivals_look(Arrivals *self, int64_t looks)
{
    int has_come = has_any_come(self);
    for (int64_t left = looks * PAUSES; !has_come && left > 1; left--) {
        _mm_pause();
        has_come = has_any_come(self);
    }
    return has_come;
}

static int arrivals_look_in_turn(Arrivals *self, int64_t looks)
{
    int has_come = has_any_come(self);
    for (int64_t left = looks; !has_come && left > 1; left--) {
        sched_yield();
        has_come = has_any_come(self);
    }
    return has_come;
}

static PyObject *arrivals_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *incoming;
    if (!PyArg_ParseTuple(args, "O!:Arrivals", &PyTuple_Type, &incoming))
        return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(incoming); i++)
        if (!Py_IS_TYPE(PyTuple_GET_ITEM(incoming, i), &incoming_type)) {
            PyErr_Format(PyExc_TypeError, "expected a way in, received %R", PyTuple_GET_ITEM(incoming, i));
            return NULL;
        }
    Arrivals *self = (Arrivals *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->incoming = Py_NewRef(incoming);
    self->is_usual = 1;
    return (PyObject *)self;
}

static int arrivals_traverse(Arrivals *self, visitproc visit, void *arg)
{
    Py_VISIT(self->incoming);
    return 0;
}

static int arrivals_clear(Arrivals *self)
{
    Py_CLEAR(self->incoming);
    return 0;
}

static void arrivals_dealloc(Arrivals *self)
{
    PyObject_GC_UnTrack(self);
    arrivals_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *look(Arrivals *self, PyObject *looks)
{
    Py_ssize_t number = PyLong_AsSsize_t(looks);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(arrivals_look(self, number));
}

static PyMemberDef arrivals_members[] = {
    {"is_usual", T_BOOL, offsetof(Arrivals, is_usual), 0, NULL},
    {NULL},
};

static PyMethodDef arrivals_methods[] = {
    {"look", (PyCFunction)look, METH_O, "Look so often whether anything has come."},
    {NULL},
};

static PyTypeObject arrivals_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.runtime.arrivals.Arrivals",
    .tp_basicsize = sizeof(Arrivals),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "The short ways from all the others.",
    .tp_new = arrivals_new,
    .tp_dealloc = (destructor)arrivals_dealloc,
    .tp_traverse = (traverseproc)arrivals_traverse,
    .tp_clear = (inquiry)arrivals_clear,
    .tp_members = arrivals_members,
    .tp_methods = arrivals_methods,
};

static ArrivalsCalls calls = {arrivals_receive, arrivals_receive_few, has_any_come, arrivals_look,
                              arrivals_look_in_turn};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.runtime.arrivals", NULL, -1, NULL};

static const Name names[] = {
    {&name_fire, "fire"},
    {&name_decode, "decode"},
    {&name_leased, "leased"},
};

static int is_ready(void)
{
    return has_shared_names() && has_names(names, sizeof(names) / sizeof(*names)) &&
           (cell_type = type_of("rlreactor.access", "Cell", sizeof(Cell))) != NULL &&
           (lent_type = type_of("rlreactor.lent", "Lent", sizeof(Lent))) != NULL &&
           (position_type = type_of("rlreactor.runtime.position", "Position", sizeof(Position))) != NULL &&
           (horizon_type = type_of("rlreactor.scheduler.horizon", "Horizon", sizeof(Horizon))) != NULL &&
           (agenda_calls = calls_of("rlreactor.scheduler.agenda", AGENDA_CALLS)) != NULL &&
           (tag_type = attribute_of("rlreactor.tag", "Tag")) != NULL;
}

static int add_tally(PyObject *made)
{
    PyObject *namedtuple = attribute_of("collections", "namedtuple");
    PyObject *tally = namedtuple == NULL ? NULL : PyObject_CallFunction(namedtuple, "ss", "Tally", TALLY);
    int failed = tally == NULL || PyModule_AddObjectRef(made, "Tally", tally) < 0;
    Py_XDECREF(namedtuple);
    Py_XDECREF(tally);
    return failed ? -1 : 0;
}

PyMODINIT_FUNC PyInit_arrivals(void)
{
    PyObject *made = is_ready() ? PyModule_Create(&module) : NULL;
    if (made == NULL)
        return NULL;
    if (PyModule_AddType(made, &incoming_type) < 0 || PyModule_AddType(made, &arrivals_type) < 0 ||
        add_calls(made, ARRIVALS_CALLS, &calls) < 0 || add_tally(made) < 0 ||
        PyModule_AddObjectRef(made, "IS_OPEN", Py_True) < 0 ||
        PyModule_AddIntConstant(made, "NOTHING", NOTHING) < 0 || PyModule_AddIntConstant(made, "NEWS", NEWS) < 0 ||
        PyModule_AddIntConstant(made, "UNUSUAL", UNUSUAL) < 0) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}
