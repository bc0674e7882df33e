/* How far routes are known: edges.py, which says what all this means, in C. Times end at FOREVER's: they saturate. */

#include "edges.h"
#include <structmember.h>

static PyTypeObject edge_type;

/* InEdge */

static int edge_of_route(InEdge *self, PyObject *route)
{
    PyObject *delay, *cadence, *physical;
    long long source, writer, reader, time, microsteps, first = 0, period = 1;
    if (!PyTuple_Check(route) || !PyArg_ParseTuple(route, "LLOLO:InEdge", &source, &writer, &delay, &reader, &cadence))
        return PyErr_Occurred() ? -1 : (PyErr_SetString(PyExc_TypeError, "InEdge() takes a route"), -1);
    if (!PyArg_ParseTuple(delay, "LLO:Delay", &time, &microsteps, &physical))
        return -1;
    if (cadence != Py_None && !PyArg_ParseTuple(cadence, "LL:Cadence", &first, &period))
        return -1;
    self->delay = Py_NewRef(delay);
    self->source = source;
    self->writer = writer;
    self->reader = reader;
    self->first_rank = reader > 0 ? reader : 0;
    self->shift = time;
    self->microsteps = microsteps;
    self->at_any_tag = cadence == Py_None;
    self->first = first;
    self->period = period;
    self->due = (Triple){0, 0, -1};
    edge_advance(self, (Triple){0, 0, 0});
    return 0;
}

static PyObject *edge_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *route;
    if (!PyArg_ParseTuple(args, "O:InEdge", &route))
        return NULL;
    InEdge *self = (InEdge *)type->tp_alloc(type, 0);
    if (self != NULL && edge_of_route(self, route) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void edge_dealloc(InEdge *self)
{
    Py_CLEAR(self->delay);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *edge_tell(InEdge *self, PyObject *tuple)
{
    Triple frontier;
    if (triple_of(tuple, &frontier) < 0)
        return NULL;
    return PyBool_FromLong(edge_advance(self, frontier));
}

static void edge_to_fall_back(InEdge *self, Point stop)
{
    if (is_earlier(stop, self->earliest))
        self->earliest = stop;
    self->due = (Triple){0, 0, -1};
}

static PyObject *edge_fall_back(InEdge *self, PyObject *tuple)
{
    Point stop;
    if (point_of(tuple, &stop) < 0)
        return NULL;
    edge_to_fall_back(self, stop);
    Py_RETURN_NONE;
}

static PyObject *edge_earliest(InEdge *self, void *unused)
{
    return point_as_tuple(self->earliest);
}

static PyObject *edge_due(InEdge *self, void *unused)
{
    return triple_as_tuple(self->due);
}

static PyMemberDef edge_members[] = {
    {"source", T_LONGLONG, offsetof(InEdge, source), READONLY, NULL},
    {"writer", T_LONGLONG, offsetof(InEdge, writer), READONLY, NULL},
    {"delay", T_OBJECT_EX, offsetof(InEdge, delay), READONLY, NULL},
    {"reader", T_LONGLONG, offsetof(InEdge, reader), READONLY, NULL},
    {"first_rank", T_LONGLONG, offsetof(InEdge, first_rank), READONLY, NULL},
    {NULL},
};

static PyGetSetDef edge_properties[] = {
    {"earliest", (getter)edge_earliest, NULL, "Tag of the next possible arrival.", NULL},
    {"due", (getter)edge_due, NULL, "Up to here, frontiers tell nothing new.", NULL},
    {NULL},
};

static PyMethodDef edge_methods[] = {
    {"advance", (PyCFunction)edge_tell, METH_O, "The source promised this; whether that tells anything new."},
    {"fall_back", (PyCFunction)edge_fall_back, METH_O, "What was promised for after a stop is void."},
    {NULL},
};

static PyTypeObject edge_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.scheduler.edges.InEdge",
    .tp_basicsize = sizeof(InEdge),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "A route, and how far it is known.",
    .tp_new = edge_new,
    .tp_dealloc = (destructor)edge_dealloc,
    .tp_members = edge_members,
    .tp_getset = edge_properties,
    .tp_methods = edge_methods,
};

/* Edges */

static int are_edges(PyObject *tuple)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++)
        if (!Py_IS_TYPE(PyTuple_GET_ITEM(tuple, i), &edge_type)) {
            PyErr_Format(PyExc_TypeError, "expected edges, received %R", PyTuple_GET_ITEM(tuple, i));
            return 0;
        }
    return 1;
}

static PyObject *edges_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *given;
    if (!PyArg_ParseTuple(args, "O:Edges", &given))
        return NULL;
    Edges *self = (Edges *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->due = (Triple){0, 0, -1};
    self->edges = PySequence_Tuple(given);
    if (self->edges == NULL || !are_edges(self->edges))
        Py_CLEAR(self);
    else {
        self->moves = PyMem_Calloc(PyTuple_GET_SIZE(self->edges) + 1, sizeof(*self->moves));
        if (self->moves == NULL) {
            PyErr_NoMemory();
            Py_CLEAR(self);
        }
    }
    return (PyObject *)self;
}

static void edges_dealloc(Edges *self)
{
    PyMem_Free(self->moves);
    Py_CLEAR(self->edges);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *edges_iter(Edges *self)
{
    return PyObject_GetIter(self->edges);
}

static PyObject *edges_tell(Edges *self, PyObject *tuple)
{
    Triple frontier;
    if (triple_of(tuple, &frontier) < 0)
        return NULL;
    return PyBool_FromLong(edges_advance(self, frontier));
}

static PyObject *edges_fall_back(Edges *self, PyObject *tuple)
{
    Point stop;
    if (point_of(tuple, &stop) < 0)
        return NULL;
    self->due = (Triple){0, 0, -1};
    self->moved = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self->edges); i++)
        edge_to_fall_back(edge_of(self, i), stop);
    Py_RETURN_NONE;
}

static PyObject *edges_have_moved_past(Edges *self, PyObject *number)
{
    int64_t time = PyLong_AsLongLong(number);
    if (time == -1 && PyErr_Occurred())
        return NULL;
    return PyBool_FromLong(edges_moved_past(self, time));
}

static PyObject *edges_earliest(Edges *self, PyObject *unused)
{
    return point_as_tuple(earliest_of(self));
}

static PyObject *edges_are_after(Edges *self, PyObject *tuple)
{
    Point tag;
    if (point_of(tuple, &tag) < 0)
        return NULL;
    return PyBool_FromLong(are_all_after(self, tag));
}

static PyObject *edges_reached(Edges *self, PyObject *const *args, Py_ssize_t count)
{
    Point candidate, floor;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "reached() takes a candidate and a floor");
        return NULL;
    }
    if (point_of(args[0], &candidate) < 0 || point_of(args[1], &floor) < 0)
        return NULL;
    return triple_as_tuple(reached_by(self, candidate, floor));
}

static PyObject *edges_due(Edges *self, void *unused)
{
    return triple_as_tuple(self->due);
}

static PyGetSetDef edges_properties[] = {
    {"due", (getter)edges_due, NULL, "Up to here, frontiers tell none of them anything new.", NULL},
    {NULL},
};

static PyMethodDef edges_methods[] = {
    {"advance", (PyCFunction)edges_tell, METH_O, "Their source promised this; whether that tells anything new."},
    {"fall_back", (PyCFunction)edges_fall_back, METH_O, "What was promised for after a stop is void."},
    {"moved_past", (PyCFunction)edges_have_moved_past, METH_O, "Whether the last frontier moved one past this."},
    {"earliest", (PyCFunction)edges_earliest, METH_NOARGS, "The tag of the next possible arrival."},
    {"all_after", (PyCFunction)edges_are_after, METH_O, "Whether nothing can arrive any more at this tag or before."},
    {"reached", (PyCFunction)(void (*)(void))edges_reached, METH_FASTCALL, "How far a worker is that waits for them."},
    {NULL},
};

static PyTypeObject edges_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.scheduler.edges.Edges",
    .tp_basicsize = sizeof(Edges),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "Several edges, told and asked in one go.",
    .tp_new = edges_new,
    .tp_dealloc = (destructor)edges_dealloc,
    .tp_iter = (getiterfunc)edges_iter,
    .tp_getset = edges_properties,
    .tp_methods = edges_methods,
};

static PyObject *are_ordered(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    Triple one, other;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "before() takes two triples");
        return NULL;
    }
    if (triple_of(args[0], &one) < 0 || triple_of(args[1], &other) < 0)
        return NULL;
    return PyBool_FromLong(is_before(one, other));
}

static PyMethodDef functions[] = {
    {"before", (PyCFunction)(void (*)(void))are_ordered, METH_FASTCALL, "`one < other`."},
    {NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.scheduler.edges", NULL, -1, functions};

PyMODINIT_FUNC PyInit_edges(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made == NULL)
        return NULL;
    if (PyModule_AddType(made, &edge_type) < 0 || PyModule_AddType(made, &edges_type) < 0 ||
        PyModule_AddObjectRef(made, "Triple", (PyObject *)&PyTuple_Type) < 0) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}
