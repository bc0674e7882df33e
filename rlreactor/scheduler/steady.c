/* The loop of one worker while nothing unusual happens: steady.py, which says what all this means, in C. */

#include "../access.h"
#include "../types.h"
#include "agenda.h"
#include "gathering.h"
#include "outflow.h"
#include "steady.h"
#include <structmember.h>

#define OFTEN 1024 /* tags between two calls of `_hash` */
#define FEW 4      /* values that are recorded in less time than others take to notice what they are told */

static PyTypeObject *agenda_type, *cell_type, *gathering_type, *lender_type, *running_type;
static AgendaCalls *agenda_calls;
static PyObject *forever, *nothing;
static PyObject *name_fire, *name_hash;

static int called(PyObject *result)
{
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* What tells one set of events from another: a new reference. */
static PyObject *start_of(PyObject *events)
{
    Py_ssize_t count = PyList_GET_SIZE(events);
    PyObject *targets = count == 1 ? NULL : PyTuple_New(count);
    if (count != 1 && targets == NULL)
        return NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *event = PyList_GET_ITEM(events, i);
        if (!PyTuple_Check(event) || PyTuple_GET_SIZE(event) != 2) {
            PyErr_Format(PyExc_TypeError, "expected a target and a value, received %R", event);
            Py_XDECREF(targets);
            return NULL;
        }
        if (count == 1)
            return Py_NewRef(PyTuple_GET_ITEM(event, 0));
        PyTuple_SET_ITEM(targets, i, Py_NewRef(PyTuple_GET_ITEM(event, 0)));
    }
    return targets;
}

static PyObject *start_of_list(PyObject *module, PyObject *events)
{
    if (!PyList_Check(events)) {
        PyErr_SetString(PyExc_TypeError, "expected a list of events");
        return NULL;
    }
    return start_of(events);
}

/* TimerTarget */

typedef struct {
    PyObject_HEAD
    PyObject *path, *ranks;
    PyObject *event; /* this timer and None */
    int64_t period;  /* ns; -1: none */
    Agenda *queue;
} TimerTarget;

static PyObject *timer_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *path, *ranks, *period, *queue;
    if (!PyArg_ParseTuple(args, "OOOO!:TimerTarget", &path, &ranks, &period, agenda_type, &queue))
        return NULL;
    TimerTarget *self = (TimerTarget *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->path = Py_NewRef(path);
    self->ranks = Py_NewRef(ranks);
    self->queue = (Agenda *)Py_NewRef(queue);
    self->event = PyTuple_Pack(2, self, Py_None);
    self->period = period == Py_None ? -1 : PyLong_AsLongLong(period);
    if (PyErr_Occurred())
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int timer_traverse(TimerTarget *self, visitproc visit, void *arg)
{
    Py_VISIT(self->path);
    Py_VISIT(self->ranks);
    Py_VISIT(self->event);
    Py_VISIT(self->queue);
    return 0;
}

static int timer_clear(TimerTarget *self)
{
    Py_CLEAR(self->path);
    Py_CLEAR(self->ranks);
    Py_CLEAR(self->event);
    Py_CLEAR(self->queue);
    return 0;
}

static void timer_dealloc(TimerTarget *self)
{
    PyObject_GC_UnTrack(self);
    timer_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Come again a period later. */
static int tick(TimerTarget *self, Running *running)
{
    Point now;
    if (self->period < 0)
        return 0;
    if (point_of(running->tag, &now) < 0)
        return -1;
    PyObject *tag = point_as_tuple((Point){time_after(now.time, self->period), 0});
    int failed = tag == NULL ? -1 : agenda_calls->push(self->queue, tag, self->event);
    Py_XDECREF(tag);
    return failed;
}

static PyObject *timer_fire(TimerTarget *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !PyObject_TypeCheck(args[1], running_type)) {
        PyErr_SetString(PyExc_TypeError, "fire() takes a value and the state of the worker");
        return NULL;
    }
    if (tick(self, (Running *)args[1]) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyMemberDef timer_members[] = {
    {"path", T_OBJECT_EX, offsetof(TimerTarget, path), READONLY, NULL},
    {"ranks", T_OBJECT_EX, offsetof(TimerTarget, ranks), READONLY, NULL},
    {NULL},
};

static PyMethodDef timer_methods[] = {
    {"fire", (PyCFunction)(void (*)(void))timer_fire, METH_FASTCALL, "Come again a period later."},
    {NULL},
};

static PyTypeObject timer_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.scheduler.steady.TimerTarget",
    .tp_basicsize = sizeof(TimerTarget),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "Queues itself again whenever it fires.",
    .tp_new = timer_new,
    .tp_dealloc = (destructor)timer_dealloc,
    .tp_traverse = (traverseproc)timer_traverse,
    .tp_clear = (inquiry)timer_clear,
    .tp_members = timer_members,
    .tp_methods = timer_methods,
};

/* Outflow */

static int outflow_traverse(Outflow *self, visitproc visit, void *arg)
{
    Py_VISIT(self->unhashed);
    Py_VISIT(self->hash_bytes);
    Py_VISIT(self->storage);
    Py_VISIT(self->record);
    Py_VISIT(self->delayed);
    Py_VISIT(self->deliver_later);
    Py_VISIT(self->remote);
    Py_VISIT(self->slots);
    Py_VISIT(self->cell);
    return 0;
}

static int outflow_clear(Outflow *self)
{
    Py_CLEAR(self->unhashed);
    Py_CLEAR(self->hash_bytes);
    Py_CLEAR(self->storage);
    Py_CLEAR(self->record);
    Py_CLEAR(self->delayed);
    Py_CLEAR(self->deliver_later);
    Py_CLEAR(self->remote);
    Py_CLEAR(self->slots);
    Py_CLEAR(self->cell);
    return 0;
}

static void outflow_dealloc(Outflow *self)
{
    PyObject_GC_UnTrack(self);
    outflow_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static int outflow_init(PyObject *self, PyObject *args, PyObject *keywords)
{
    return 0;
}

static PyMemberDef outflow_members[] = {
    {"unhashed", T_OBJECT_EX, offsetof(Outflow, unhashed), 0, NULL},
    {"hash_bytes", T_OBJECT_EX, offsetof(Outflow, hash_bytes), 0, NULL},
    {"storage", T_OBJECT_EX, offsetof(Outflow, storage), 0, NULL},
    {"record", T_OBJECT_EX, offsetof(Outflow, record), 0, NULL},
    {"delayed", T_OBJECT_EX, offsetof(Outflow, delayed), 0, NULL},
    {"deliver_later", T_OBJECT_EX, offsetof(Outflow, deliver_later), 0, NULL},
    {"remote", T_OBJECT_EX, offsetof(Outflow, remote), 0, NULL},
    {"slots", T_OBJECT_EX, offsetof(Outflow, slots), 0, NULL},
    {"cell", T_OBJECT_EX, offsetof(Outflow, cell), 0, NULL},
    {"index", T_LONGLONG, offsetof(Outflow, index), 0, NULL},
    {"lies_in_memory", T_BOOL, offsetof(Outflow, lies_in_memory), 0, NULL},
    {NULL},
};

static PyTypeObject outflow_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.scheduler.steady.Outflow",
    .tp_basicsize = sizeof(Outflow),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "What the loop does with the value of a port at the end of a tag.",
    .tp_new = PyType_GenericNew,
    .tp_init = outflow_init,
    .tp_dealloc = (destructor)outflow_dealloc,
    .tp_traverse = (traverseproc)outflow_traverse,
    .tp_clear = (inquiry)outflow_clear,
    .tp_members = outflow_members,
};

/* SteadyLoop */

static PyObject *loop_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    SteadyLoop *self = (SteadyLoop *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->last = point_as_tuple((Point){0, -1});
    self->bound = Py_NewRef(forever);
    self->is_called = Py_NewRef(Py_False);
    if (self->last == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int loop_init(PyObject *self, PyObject *args, PyObject *keywords)
{
    return 0;
}

static int loop_traverse(SteadyLoop *self, visitproc visit, void *arg)
{
    Py_VISIT(self->last);
    Py_VISIT(self->bound);
    Py_VISIT(self->is_called);
    return 0;
}

static int loop_clear(SteadyLoop *self)
{
    Py_CLEAR(self->last);
    Py_CLEAR(self->bound);
    Py_CLEAR(self->is_called);
    return 0;
}

static void loop_dealloc(SteadyLoop *self)
{
    PyObject_GC_UnTrack(self);
    loop_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Whether the tag that comes next is for this loop. -1 with an error set. */
static int is_due(SteadyLoop *self, Agenda *queue)
{
    Point tag, bound;
    if (point_of(queue->head, &tag) < 0 || point_of(self->bound, &bound) < 0)
        return -1;
    return is_earlier(tag, bound);
}

/* Its sequence: borrowed. NULL without an error: it is not written. */
static PyObject *sequence_of(PyObject *written, PyObject *events)
{
    PyObject *start = start_of(events);
    PyObject *sequence = start == NULL ? NULL : PyDict_GetItemWithError(written, start);
    Py_XDECREF(start);
    return sequence == Py_None ? NULL : sequence;
}

static int is_true(PyObject *answer)
{
    int found = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    return found;
}

/* What is asked and told at every tag: bound methods, which are looked up once; NULL where there is nobody else. */
typedef struct {
    PyObject *clear, *approach, *reacted, *tag_done;
} Passage;

static int passage_of(PyObject *given, Passage *passage)
{
    if (given == Py_None)
        return 0;
    passage->clear = PyObject_GetAttrString(given, "clear");
    passage->approach = PyObject_GetAttrString(given, "approach");
    passage->reacted = PyObject_GetAttrString(given, "reacted");
    passage->tag_done = PyObject_GetAttrString(given, "tag_done");
    return PyErr_Occurred() ? -1 : 0;
}

static void clear_passage(Passage *passage)
{
    Py_CLEAR(passage->clear);
    Py_CLEAR(passage->approach);
    Py_CLEAR(passage->reacted);
    Py_CLEAR(passage->tag_done);
}

static int tell(PyObject *method)
{
    return method == NULL ? 0 : called(PyObject_CallNoArgs(method));
}

/* Whether anything has come, perhaps an earlier tag. -1 with an error set. */
static int is_nearer(const Passage *passage)
{
    int found = passage->approach == NULL ? 0 : is_true(PyObject_CallNoArgs(passage->approach));
    return found > 0 && PyErr_CheckSignals() < 0 ? -1 : found;
}

/* Take the head's events out. */
static int take_out(Agenda *queue)
{
    if (PyList_GET_SIZE(queue->later))
        return agenda_calls->advance(queue);
    Py_SETREF(queue->head, Py_NewRef(forever));
    Py_SETREF(queue->first, Py_NewRef(nothing)); /* never added to: the first event of a tag makes a new list */
    return 0;
}

static int fire_all(PyObject *events, Running *running)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(events); i++) {
        PyObject *event = PyList_GET_ITEM(events, i), *target = PyTuple_GET_ITEM(event, 0);
        PyObject *args[] = {target, PyTuple_GET_ITEM(event, 1), (PyObject *)running};
        int failed = Py_IS_TYPE(target, &timer_type) ? tick((TimerTarget *)target, running)
                                                     : called(PyObject_VectorcallMethod(name_fire, args, 3, NULL));
        if (failed < 0)
            return -1;
    }
    return 0;
}

static int call_with(PyObject *callable, PyObject *one, PyObject *other)
{
    PyObject *args[] = {one, other};
    Py_INCREF(callable);
    int failed = called(PyObject_Vectorcall(callable, args, 2, NULL));
    Py_DECREF(callable);
    return failed;
}

/* The bytes that were stored last go into a hash. */
static int hash_stored(Outflow *outlet)
{
    PyObject *stored = stored_of_outflow(outlet, lender_type);
    if (stored == NULL)
        return -1;
    int failed = Py_IS_TYPE(outlet->hash_bytes, gathering_type)
                     ? gather_bytes((Gathering *)outlet->hash_bytes, stored)
                     : called(PyObject_CallOneArg(outlet->hash_bytes, stored));
    Py_DECREF(stored);
    return failed;
}

/* Tag and value, or tag and bytes, go where they are hashed. */
static int gather(Outflow *outlet, PyObject *tag, PyObject *value)
{
    if (Py_IS_TYPE(outlet->unhashed, gathering_type)) {
        Gathering *unhashed = (Gathering *)outlet->unhashed;
        if (gather_tag(unhashed, tag) < 0)
            return -1;
        return outlet->hash_bytes == Py_None ? gather_number(unhashed, value) : hash_stored(outlet);
    }
    if (!PyList_Check(outlet->unhashed)) {
        PyErr_SetString(PyExc_TypeError, "unhashed: expected a list");
        return -1;
    }
    if (PyList_Append(outlet->unhashed, tag) < 0)
        return -1;
    return outlet->hash_bytes == Py_None ? PyList_Append(outlet->unhashed, value) : hash_stored(outlet);
}

static int is_whole(Outflow *outlet)
{
    if (outlet->unhashed != NULL && outlet->hash_bytes != NULL && outlet->storage != NULL && outlet->record != NULL &&
        outlet->delayed != NULL && outlet->deliver_later != NULL)
        return 1;
    PyErr_SetString(PyExc_AttributeError, "this outlet was never made");
    return 0;
}

/* A value arrives a delay later. */
static int deliver(PyObject *group, PyObject *delay, Point sent, PyObject *value, Agenda *queue)
{
    int64_t shift = PyLong_AsLongLong(PyTuple_GET_ITEM(delay, 0));
    int64_t microsteps = PyLong_AsLongLong(PyTuple_GET_ITEM(delay, 1));
    if (PyErr_Occurred())
        return -1;
    PyObject *tag = point_as_tuple(arrival_after(sent, shift, microsteps)), *event = tag == NULL ? NULL : PyTuple_Pack(2, group, value);
    int failed = event == NULL ? -1 : agenda_calls->push(queue, tag, event);
    Py_XDECREF(tag);
    Py_XDECREF(event);
    return failed;
}

/* Whether these are pairs of a delay and what it leads to, and no delay is physical. */
static int are_logical(PyObject *delayed)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(delayed); i++) {
        PyObject *pair = PyTuple_GET_ITEM(delayed, i);
        PyObject *delay = PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2 ? PyTuple_GET_ITEM(pair, 0) : NULL;
        if (delay == NULL || !PyTuple_Check(delay) || PyTuple_GET_SIZE(delay) != 3 ||
            PyObject_IsTrue(PyTuple_GET_ITEM(delay, 2)))
            return 0;
    }
    return 1;
}

/* What was set here goes to later tags. */
static int deliver_later(Outflow *outlet, PyObject *tag, PyObject *value, Agenda *queue)
{
    PyObject *delayed = outlet->delayed;
    Point sent;
    if (!PyTuple_Check(delayed) || !are_logical(delayed))
        return call_with(outlet->deliver_later, (PyObject *)outlet, tag);
    if (point_of(tag, &sent) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(delayed); i++) {
        PyObject *pair = PyTuple_GET_ITEM(delayed, i);
        if (deliver(PyTuple_GET_ITEM(pair, 1), PyTuple_GET_ITEM(pair, 0), sent, value, queue) < 0)
            return -1;
    }
    return 0;
}

/* Of a cell that is present, and its outlet, if it has one: whether it has, or -1 with an error set. */
static int has_outlet(PyObject *given, Outflow **outlet)
{
    Cell *cell = (Cell *)given;
    if (!Py_IS_TYPE(given, cell_type)) {
        PyErr_Format(PyExc_TypeError, "expected a cell, received %R", given);
        return -1;
    }
    if (cell->outlet == Py_None)
        return 0;
    if (!PyObject_TypeCheck(cell->outlet, &outflow_type)) {
        PyErr_Format(PyExc_TypeError, "expected an outlet, received %R", cell->outlet);
        return -1;
    }
    *outlet = (Outflow *)cell->outlet;
    return is_whole(*outlet) ? 1 : -1;
}

/* Whether a value is only copied to be recorded, or not even that. */
static int is_soon_recorded(const Outflow *outlet)
{
    if (outlet->unhashed != Py_None)
        return outlet->hash_bytes == Py_None || Py_IS_TYPE(outlet->hash_bytes, gathering_type);
    return outlet->record == Py_None;
}

/* What was set goes to later tags. 1 if it takes long to record, -1 with an error set. */
static int send_on(PyObject *present, PyObject *tag, Agenda *queue)
{
    int is_much = PyList_GET_SIZE(present) > FEW;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(present); i++) {
        Outflow *outlet = NULL;
        int found = has_outlet(PyList_GET_ITEM(present, i), &outlet);
        if (found < 0)
            return -1;
        if (!found)
            continue;
        if (deliver_later(outlet, tag, ((Cell *)PyList_GET_ITEM(present, i))->value, queue) < 0)
            return -1;
        is_much |= !is_soon_recorded(outlet);
    }
    return is_much;
}

/* What was set goes into the recorders; nothing is present any more. */
static int finish(PyObject *present, PyObject *tag)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(present); i++) {
        Cell *cell = (Cell *)PyList_GET_ITEM(present, i);
        Outflow *outlet = NULL;
        int failed = has_outlet((PyObject *)cell, &outlet);
        if (failed < 0)
            return -1;
        Py_SETREF(cell->present, Py_NewRef(Py_False));
        failed = 0;
        if (outlet != NULL && outlet->unhashed != Py_None)
            failed = gather(outlet, tag, cell->value);
        else if (outlet != NULL && outlet->record != Py_None)
            failed = call_with(outlet->record, tag, cell->value);
        if (failed < 0)
            return -1;
    }
    return PyList_SetSlice(present, 0, PY_SSIZE_T_MAX, NULL);
}

/* What was set leaves and is recorded: where that takes long, when the others know already that the tag is over. */
static int conclude(PyObject *present, PyObject *tag, Agenda *queue, const Passage *passage)
{
    int is_much = tell(passage->reacted) < 0 ? -1 : send_on(present, tag, queue);
    if (is_much < 0 || (!is_much && finish(present, tag) < 0) || tell(passage->tag_done) < 0)
        return -1;
    return is_much ? finish(present, tag) : 0;
}

/* Run what happens at `tag`: 1 if that was interrupted. Takes the reference to `events`. */
static int react(PyObject *tag, PyObject *events, PyObject *sequence, Agenda *queue, Running *running)
{
    Py_INCREF(sequence);
    Py_SETREF(running->tag, Py_NewRef(tag));
    int failed = take_out(queue) < 0 || fire_all(events, running) < 0;
    Py_DECREF(events); /* what refers to a value keeps its slot */
    PyObject *interrupted = failed ? NULL : PyObject_CallNoArgs(sequence);
    Py_DECREF(sequence);
    if (interrupted == NULL)
        return -1;
    int is_interrupted = PyObject_IsTrue(interrupted);
    Py_DECREF(interrupted);
    return is_interrupted;
}

/* Process `tag`, which may start: 1, or 2 if that was interrupted. */
static int run_tag(SteadyLoop *self, PyObject *tag, PyObject *sequence, Agenda *queue, Running *running,
                   const Passage *passage)
{
    int is_interrupted = react(tag, Py_NewRef(queue->first), sequence, queue, running);
    if (is_interrupted < 0 || (!is_interrupted && conclude(running->present, tag, queue, passage) < 0))
        return -1;
    if (is_interrupted)
        return 2;
    Py_XSETREF(self->last, Py_NewRef(tag));
    self->tags++;
    if (++self->unhashed >= OFTEN && called(PyObject_CallMethodNoArgs((PyObject *)self, name_hash)) < 0)
        return -1;
    return 1;
}

/* The next tag: 1 to go on, 0 if it is not for this loop, 2 if it was interrupted. */
static int step(SteadyLoop *self, Agenda *queue, Running *running, PyObject *written, const Passage *passage)
{
    int due = is_due(self, queue);
    if (due < 0 || self->is_called != Py_False)
        return due < 0 ? -1 : 0;
    if (!due)
        return is_nearer(passage);
    PyObject *sequence = sequence_of(written, queue->first), *tag = queue->head;
    if (sequence == NULL)
        return PyErr_Occurred() ? -1 : 0;
    int is_clear = passage->clear == NULL ? 1 : is_true(PyObject_CallOneArg(passage->clear, tag));
    if (is_clear < 1)
        return is_clear < 0 ? -1 : is_nearer(passage);
    Py_INCREF(tag);
    int found = run_tag(self, tag, sequence, queue, running, passage);
    Py_DECREF(tag);
    return found;
}

static PyObject *loop_run(SteadyLoop *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 4 || !PyObject_TypeCheck(args[0], agenda_type) || !PyObject_TypeCheck(args[1], running_type) ||
        !PyDict_Check(args[2])) {
        PyErr_SetString(PyExc_TypeError, "expected a queue, the state of the worker, sequences and a passage");
        return NULL;
    }
    Passage passage = {NULL, NULL, NULL, NULL};
    int found = passage_of(args[3], &passage) < 0 ? -1 : 1;
    while (found == 1)
        found = step(self, (Agenda *)args[0], (Running *)args[1], args[2], &passage);
    clear_passage(&passage);
    return found < 0 ? NULL : PyBool_FromLong(found == 2);
}

static PyObject *loop_cannot(SteadyLoop *self, PyObject *unused)
{
    PyErr_SetString(PyExc_NotImplementedError, "a SteadyLoop needs _hash");
    return NULL;
}

static PyMemberDef loop_members[] = {
    {"last", T_OBJECT_EX, offsetof(SteadyLoop, last), 0, NULL},
    {"_bound", T_OBJECT_EX, offsetof(SteadyLoop, bound), 0, NULL},
    {"_called", T_OBJECT_EX, offsetof(SteadyLoop, is_called), 0, NULL},
    {"tags", T_LONGLONG, offsetof(SteadyLoop, tags), 0, NULL},
    {"_unhashed", T_LONGLONG, offsetof(SteadyLoop, unhashed), 0, NULL},
    {NULL},
};

static PyMethodDef loop_methods[] = {
    {"_run_steadily", (PyCFunction)(void (*)(void))loop_run, METH_FASTCALL, "Process tags until one is unusual."},
    {"_hash", (PyCFunction)loop_cannot, METH_NOARGS, "Hash what waits in the recorders."},
    {NULL},
};

static PyTypeObject loop_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.scheduler.steady.SteadyLoop",
    .tp_basicsize = sizeof(SteadyLoop),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "The part of the scheduler that most tags go through.",
    .tp_new = loop_new,
    .tp_init = loop_init,
    .tp_dealloc = (destructor)loop_dealloc,
    .tp_traverse = (traverseproc)loop_traverse,
    .tp_clear = (inquiry)loop_clear,
    .tp_members = loop_members,
    .tp_methods = loop_methods,
};

static PyMethodDef functions[] = {
    {"start_of", start_of_list, METH_O, "What tells one set of events from another."},
    {NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.scheduler.steady", NULL, -1, functions};

static const Name names[] = {
    {&name_fire, "fire"},
    {&name_hash, "_hash"},
};

PyMODINIT_FUNC PyInit_steady(void)
{
    if ((agenda_type = type_of("rlreactor.scheduler.agenda", "Agenda", sizeof(Agenda))) == NULL ||
        (agenda_calls = calls_of("rlreactor.scheduler.agenda", AGENDA_CALLS)) == NULL ||
        (cell_type = type_of("rlreactor.access", "Cell", sizeof(Cell))) == NULL ||
        (lender_type = type_of("rlreactor.lender", "Lender", sizeof(Lender))) == NULL ||
        (gathering_type = type_of("rlreactor.scheduler.gathering", "Gathering", sizeof(Gathering))) == NULL ||
        (running_type = type_of("rlreactor.access", "Running", sizeof(Running))) == NULL ||
        (forever = attribute_of("rlreactor.tag", "FOREVER")) == NULL || (nothing = PyList_New(0)) == NULL ||
        !has_names(names, sizeof(names) / sizeof(*names)))
        return NULL;
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && (PyModule_AddType(made, &timer_type) < 0 || PyModule_AddType(made, &outflow_type) < 0 ||
                         PyModule_AddType(made, &loop_type) < 0))
        Py_CLEAR(made);
    return made;
}
