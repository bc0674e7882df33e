/* How far a worker may go: horizon.py, which says what all this means, in C. */

#include "horizon.h"
#include "../types.h"
#include <structmember.h>

static PyTypeObject *edges_type, *edge_type;

static int stop_reader = -1; /* as in routes.py */

/* Those of `edges` for which `member` has this value, as Edges. */
static PyObject *edges_with(PyObject *edges, size_t member, int64_t value)
{
    PyObject *found = PyList_New(0);
    for (Py_ssize_t i = 0; found != NULL && i < PyTuple_GET_SIZE(edges); i++) {
        PyObject *edge = PyTuple_GET_ITEM(edges, i);
        if (*(int64_t *)((char *)edge + member) == value && PyList_Append(found, edge) < 0)
            Py_CLEAR(found);
    }
    PyObject *made = found == NULL ? NULL : PyObject_CallOneArg((PyObject *)edges_type, found);
    Py_XDECREF(found);
    return made;
}

static int compare_numbers(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

/* A dictionary of Edges, by the values of `member` in order, perhaps without those of stops. */
static PyObject *edges_by(PyObject *edges, size_t member, int leaves_out_stops)
{
    PyObject *found = PyDict_New();
    int64_t *values = PyMem_Calloc(PyTuple_GET_SIZE(edges) + 1, sizeof(int64_t));
    Py_ssize_t count = 0;
    if (values == NULL)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; values != NULL && i < PyTuple_GET_SIZE(edges); i++) {
        InEdge *edge = (InEdge *)PyTuple_GET_ITEM(edges, i);
        if (!leaves_out_stops || edge->reader != stop_reader)
            values[count++] = *(int64_t *)((char *)edge + member);
    }
    if (values != NULL)
        qsort(values, count, sizeof(int64_t), compare_numbers);
    for (Py_ssize_t i = 0; found != NULL && i < count; i++) {
        if (i && values[i] == values[i - 1])
            continue;
        PyObject *key = PyLong_FromLongLong(values[i]), *group = edges_with(edges, member, values[i]);
        if (key == NULL || group == NULL || PyDict_SetItem(found, key, group) < 0)
            Py_CLEAR(found);
        Py_XDECREF(key);
        Py_XDECREF(group);
    }
    PyMem_Free(values);
    if (PyErr_Occurred())
        Py_CLEAR(found);
    return found;
}

static int are_edges(PyObject *edges)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(edges); i++)
        if (!Py_IS_TYPE(PyTuple_GET_ITEM(edges, i), edge_type)) {
            PyErr_Format(PyExc_TypeError, "expected edges, received %R", PyTuple_GET_ITEM(edges, i));
            return 0;
        }
    return 1;
}

static int horizon_init(Horizon *self, PyObject *args, PyObject *keywords)
{
    PyObject *given;
    if (!PyArg_ParseTuple(args, "O:Horizon", &given))
        return -1;
    PyObject *edges = PySequence_Tuple(given);
    if (edges == NULL || !are_edges(edges)) {
        Py_XDECREF(edges);
        return -1;
    }
    Py_XSETREF(self->edges, (Edges *)PyObject_CallOneArg((PyObject *)edges_type, edges));
    Py_XSETREF(self->stopping, (Edges *)edges_with(edges, offsetof(InEdge, reader), stop_reader));
    Py_XSETREF(self->of_worker, edges_by(edges, offsetof(InEdge, source), 0));
    Py_XSETREF(self->at_gate, edges_by(edges, offsetof(InEdge, reader), 1));
    Py_XSETREF(self->unaware, PySet_New(NULL));
    Py_DECREF(edges);
    self->floor = (Point){0, 0};
    if (PyErr_Occurred())
        return -1;
    refresh(self);
    return 0;
}

static int horizon_traverse(Horizon *self, visitproc visit, void *arg)
{
    Py_VISIT(self->edges);
    Py_VISIT(self->stopping);
    Py_VISIT(self->of_worker);
    Py_VISIT(self->at_gate);
    Py_VISIT(self->unaware);
    return 0;
}

static int horizon_clear(Horizon *self)
{
    Py_CLEAR(self->edges);
    Py_CLEAR(self->stopping);
    Py_CLEAR(self->of_worker);
    Py_CLEAR(self->at_gate);
    Py_CLEAR(self->unaware);
    return 0;
}

static void horizon_dealloc(Horizon *self)
{
    PyObject_GC_UnTrack(self);
    horizon_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static int is_made(Horizon *self)
{
    if (self->unaware != NULL)
        return 1;
    PyErr_SetString(PyExc_RuntimeError, "this Horizon was never made: Horizon.__init__ did not run");
    return 0;
}

static PyObject *horizon_refresh(Horizon *self, PyObject *unused)
{
    if (!is_made(self))
        return NULL;
    refresh(self);
    Py_RETURN_NONE;
}

static PyObject *horizon_advance(Horizon *self, PyObject *const *args, Py_ssize_t count)
{
    Triple frontier;
    if (!is_made(self) || count != 2 || triple_of(args[1], &frontier) < 0)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "advance() takes a worker and a frontier");
    int is_unaware = PySet_GET_SIZE(self->unaware) ? PySet_Contains(self->unaware, args[0]) : 0;
    PyObject *edges = is_unaware ? NULL : PyDict_GetItemWithError(self->of_worker, args[0]);
    if (is_unaware < 0 || (edges == NULL && PyErr_Occurred()))
        return NULL;
    if (edges != NULL && edges_advance((Edges *)edges, frontier))
        refresh(self);
    Py_RETURN_NONE;
}

static PyObject *horizon_may_start(Horizon *self, PyObject *tuple)
{
    Point tag;
    if (point_of(tuple, &tag) < 0)
        return NULL;
    return PyBool_FromLong(!is_earlier(self->latest, tag) && is_earlier(tag, self->stops));
}

static PyObject *horizon_known_before(Horizon *self, PyObject *tuple)
{
    Point tag;
    if (!is_made(self) || point_of(tuple, &tag) < 0)
        return NULL;
    if (is_same(tag, (Point){LAST_TIME, 0}))
        Py_RETURN_FALSE;
    if (is_earlier(tag, self->floor))
        Py_RETURN_TRUE;
    int is_reached = is_same(tag, self->floor) || !is_earlier(self->known, tag);
    return PyBool_FromLong(is_reached && are_all_after(self->stopping, tag));
}

static PyObject *horizon_known_at(Horizon *self, PyObject *const *args, Py_ssize_t count)
{
    Point tag;
    if (!is_made(self) || count != 2 || point_of(args[0], &tag) < 0)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "known_at() takes a tag and a gate");
    PyObject *edges = PyDict_GetItemWithError(self->at_gate, args[1]);
    if (edges == NULL)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_KeyError, "no gate at rank %R", args[1]);
    return PyBool_FromLong(are_all_after((Edges *)edges, tag) || is_earlier(tag, self->floor));
}

static PyObject *horizon_promise(Horizon *self, PyObject *tuple)
{
    Point candidate;
    if (!is_made(self) || point_of(tuple, &candidate) < 0)
        return NULL;
    return triple_as_tuple(reached_by(self->edges, candidate, self->floor));
}

static PyObject *get_point(Horizon *self, void *offset)
{
    return point_as_tuple(*(Point *)((char *)self + (size_t)offset));
}

static int set_floor(Horizon *self, PyObject *value, void *unused)
{
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "floor cannot be deleted");
        return -1;
    }
    return point_of(value, &self->floor);
}

static PyMemberDef horizon_members[] = {
    {"edges", T_OBJECT_EX, offsetof(Horizon, edges), READONLY, NULL},
    {"stopping", T_OBJECT_EX, offsetof(Horizon, stopping), READONLY, NULL},
    {"of_worker", T_OBJECT_EX, offsetof(Horizon, of_worker), READONLY, NULL},
    {"at_gate", T_OBJECT_EX, offsetof(Horizon, at_gate), READONLY, NULL},
    {"unaware", T_OBJECT_EX, offsetof(Horizon, unaware), READONLY, NULL},
    {NULL},
};

static PyGetSetDef horizon_properties[] = {
    {"known", (getter)get_point, NULL, "Nothing can arrive before this tag.", (void *)offsetof(Horizon, known)},
    {"floor", (getter)get_point, (setter)set_floor, "Nor before this one.", (void *)offsetof(Horizon, floor)},
    {"latest", (getter)get_point, NULL, "A tag may start if it is not after this.", (void *)offsetof(Horizon, latest)},
    {"stops", (getter)get_point, NULL, "And before this.", (void *)offsetof(Horizon, stops)},
    {NULL},
};

static PyMethodDef horizon_methods[] = {
    {"refresh", (PyCFunction)horizon_refresh, METH_NOARGS, "Edges have moved, or the floor."},
    {"advance", (PyCFunction)(void (*)(void))horizon_advance, METH_FASTCALL, "A worker promised more."},
    {"may_start", (PyCFunction)horizon_may_start, METH_O, "Whether a tag may start by what is known already."},
    {"known_before", (PyCFunction)horizon_known_before, METH_O, "Whether nothing can arrive any more before a tag."},
    {"known_at", (PyCFunction)(void (*)(void))horizon_known_at, METH_FASTCALL, "Whether a gate is open at a tag."},
    {"promise", (PyCFunction)horizon_promise, METH_O, "The frontier of this worker between two tags."},
    {NULL},
};

static PyTypeObject horizon_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.scheduler.horizon.Horizon",
    .tp_basicsize = sizeof(Horizon),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "The edges to one worker, and what follows from all of them together.",
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)horizon_init,
    .tp_dealloc = (destructor)horizon_dealloc,
    .tp_traverse = (traverseproc)horizon_traverse,
    .tp_clear = (inquiry)horizon_clear,
    .tp_members = horizon_members,
    .tp_getset = horizon_properties,
    .tp_methods = horizon_methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.scheduler.horizon", NULL, -1, NULL};

PyMODINIT_FUNC PyInit_horizon(void)
{
    edges_type = type_of("rlreactor.scheduler.edges", "Edges", sizeof(Edges));
    edge_type = edges_type == NULL ? NULL : type_of("rlreactor.scheduler.edges", "InEdge", sizeof(InEdge));
    PyObject *made = edge_type == NULL ? NULL : PyModule_Create(&module);
    if (made != NULL && PyModule_AddType(made, &horizon_type) < 0)
        Py_CLEAR(made);
    return made;
}
