/* One value of memory that is used again: lent.py, which says what all this means, in C. */

#include "lent.h"
#include <structmember.h>
#include <numpy/arrayobject.h>

static PyTypeObject *record_type;

static int are_arrays(PyObject *arrays)
{
    if (!PyTuple_Check(arrays))
        return 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(arrays); i++)
        if (!PyArray_Check(PyTuple_GET_ITEM(arrays, i)))
            return 0;
    return 1;
}

/* The arguments after the third, and a record with its fields. */
static PyObject *watched_of(PyObject *args, PyObject *value)
{
    PyObject *more = PyTuple_GetSlice(args, 3, PyTuple_GET_SIZE(args));
    if (more == NULL || !PyObject_TypeCheck(value, record_type))
        return more;
    PyObject *fields = PyObject_GetAttrString(value, "__dict__");
    PyObject *record = fields == NULL ? NULL : PyTuple_Pack(2, value, fields);
    PyObject *watched = record == NULL ? NULL : PySequence_Concat(more, record);
    Py_XDECREF(fields);
    Py_XDECREF(record);
    Py_DECREF(more);
    return watched;
}

static int lent_init(Lent *self, PyObject *args, PyObject *keywords)
{
    if (PyTuple_GET_SIZE(args) < 3 || (keywords != NULL && PyDict_GET_SIZE(keywords))) {
        PyErr_SetString(PyExc_TypeError, "Lent() takes a value, its arrays, their memory, and what else could be held");
        return -1;
    }
    PyObject *value = PyTuple_GET_ITEM(args, 0), *arrays = PyTuple_GET_ITEM(args, 1);
    if (!are_arrays(arrays)) {
        PyErr_Format(PyExc_TypeError, "expected a tuple of arrays, received %R", arrays);
        return -1;
    }
    PyObject *watched = watched_of(args, value);
    if (watched == NULL)
        return -1;
    Py_XSETREF(self->value, Py_NewRef(value));
    Py_XSETREF(self->memory, Py_NewRef(PyTuple_GET_ITEM(args, 2)));
    Py_XSETREF(self->arrays, Py_NewRef(arrays));
    Py_XSETREF(self->watched, watched);
    self->unheld = 0;
    return 0;
}

static int lent_traverse(Lent *self, visitproc visit, void *arg)
{
    Py_VISIT(self->value);
    Py_VISIT(self->memory);
    Py_VISIT(self->arrays);
    Py_VISIT(self->watched);
    return 0;
}

static int lent_clear(Lent *self)
{
    Py_CLEAR(self->value);
    Py_CLEAR(self->memory);
    Py_CLEAR(self->arrays);
    Py_CLEAR(self->watched);
    return 0;
}

static void lent_dealloc(Lent *self)
{
    PyObject_GC_UnTrack(self);
    lent_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *not_made(void)
{
    PyErr_SetString(PyExc_RuntimeError, "this Lent was never made: Lent.__init__ did not run");
    return NULL;
}

static PyObject *lent_settle(Lent *self, PyObject *unused)
{
    if (self->arrays == NULL)
        return not_made();
    self->unheld = references(self->watched) + references(self->arrays);
    Py_RETURN_NONE;
}

static PyObject *lent_is_held(Lent *self, PyObject *unused)
{
    if (self->arrays == NULL)
        return not_made();
    return PyBool_FromLong(is_held(self));
}

static PyObject *lent_thaw(Lent *self, PyObject *unused)
{
    if (self->arrays == NULL)
        return not_made();
    thaw(self);
    Py_RETURN_NONE;
}

static PyObject *lent_freeze(Lent *self, PyObject *unused)
{
    if (self->arrays == NULL)
        return not_made();
    freeze(self);
    Py_RETURN_NONE;
}

static PyObject *lent_copies(Lent *self, PyObject *value)
{
    return self->arrays == NULL ? not_made() : PyBool_FromLong(copies(self, value));
}

static PyMethodDef lent_methods[] = {
    {"settle", (PyCFunction)lent_settle, METH_NOARGS, "As it is now, nobody holds it."},
    {"is_held", (PyCFunction)lent_is_held, METH_NOARGS, "Whether anybody holds the value, or a part of it."},
    {"thaw", (PyCFunction)lent_thaw, METH_NOARGS, "Make its arrays writable."},
    {"freeze", (PyCFunction)lent_freeze, METH_NOARGS, "Make its arrays read-only."},
    {"copies", (PyCFunction)lent_copies, METH_O, "Copy an array like its own; whether it is one."},
    {NULL},
};

static PyMemberDef lent_members[] = {
    {"value", T_OBJECT_EX, offsetof(Lent, value), READONLY, NULL},
    {"memory", T_OBJECT_EX, offsetof(Lent, memory), READONLY, NULL},
    {NULL},
};

static PyTypeObject lent_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.lent.Lent",
    .tp_basicsize = sizeof(Lent),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "A value over memory that is used again, and the arrays that it consists of.",
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)lent_init,
    .tp_dealloc = (destructor)lent_dealloc,
    .tp_traverse = (traverseproc)lent_traverse,
    .tp_clear = (inquiry)lent_clear,
    .tp_methods = lent_methods,
    .tp_members = lent_members,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.lent", NULL, -1, NULL};

static PyTypeObject *imported_type(const char *module_name, const char *name)
{
    PyObject *from = PyImport_ImportModule(module_name);
    PyObject *type = from == NULL ? NULL : PyObject_GetAttrString(from, name);
    Py_XDECREF(from);
    return (PyTypeObject *)type;
}

PyMODINIT_FUNC PyInit_lent(void)
{
    import_array();
    record_type = imported_type("rlreactor.record", "Record");
    PyObject *made = record_type == NULL ? NULL : PyModule_Create(&module);
    if (made == NULL || PyModule_AddType(made, &lent_type) < 0) {
        Py_XDECREF(made);
        return NULL;
    }
    return made;
}
