/* Lends values of memory that is used again: lender.py, which says what all this means, in C. */

#include "lender.h"
#include "types.h"
#include <structmember.h>

static PyTypeObject *lent_type;
static PyObject *name_another, *name_copy;

static int lender_init(Lender *self, PyObject *args, PyObject *keywords)
{
    PyObject *values;
    if (!PyArg_ParseTuple(args, "O!:Lender", &PyList_Type, &values))
        return -1;
    PyObject *nothing = PyBytes_FromStringAndSize(NULL, 0);
    PyObject *stored = nothing == NULL ? NULL : PyMemoryView_FromObject(nothing);
    Py_XDECREF(nothing);
    if (stored == NULL)
        return -1;
    Py_XSETREF(self->values, Py_NewRef(values));
    Py_XSETREF(self->stored, stored);
    Py_CLEAR(self->lent);
    self->next = 0;
    return 0;
}

static int lender_traverse(Lender *self, visitproc visit, void *arg)
{
    Py_VISIT(self->values);
    Py_VISIT(self->lent);
    Py_VISIT(self->stored);
    return 0;
}

static int lender_clear(Lender *self)
{
    Py_CLEAR(self->values);
    Py_CLEAR(self->lent);
    Py_CLEAR(self->stored);
    return 0;
}

static void lender_dealloc(Lender *self)
{
    PyObject_GC_UnTrack(self);
    lender_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static int is_made(Lender *self)
{
    if (self->values != NULL)
        return 1;
    PyErr_SetString(PyExc_RuntimeError, "this Lender was never made: Lender.__init__ did not run");
    return 0;
}

/* A Lent that came from Python; NULL with an error set if it is none. */
static Lent *checked(PyObject *given)
{
    if (given == NULL || (Py_IS_TYPE(given, lent_type) && ((Lent *)given)->arrays != NULL))
        return (Lent *)given;
    PyErr_Format(PyExc_TypeError, "expected what is lent, received %R", given);
    Py_DECREF(given);
    return NULL;
}

/* A new reference to one that nobody holds. */
static Lent *free_one(Lender *self)
{
    Py_ssize_t count = PyList_GET_SIZE(self->values);
    for (Py_ssize_t i = 0; i < count; i++) {
        self->next = self->next + 1 < count ? self->next + 1 : 0;
        Lent *lent = checked(Py_NewRef(PyList_GET_ITEM(self->values, self->next)));
        if (lent == NULL || !is_held(lent))
            return lent;
        Py_DECREF(lent);
    }
    return checked(PyObject_CallMethodNoArgs((PyObject *)self, name_another));
}

static PyObject *lender_empty(Lender *self, PyObject *unused)
{
    Lent *lent = is_made(self) ? free_one(self) : NULL;
    if (lent == NULL)
        return NULL;
    thaw(lent);
    Py_XSETREF(self->lent, lent);
    return Py_NewRef(lent->value);
}

/* Whether a value is an array that lies in memory like all that are lent. */
static int is_plain(Lender *self, PyObject *value)
{
    PyObject *any = PyList_GET_SIZE(self->values) ? PyList_GET_ITEM(self->values, 0) : NULL;
    int is_made = any != NULL && Py_IS_TYPE(any, lent_type) && ((Lent *)any)->arrays != NULL;
    PyArrayObject *own = is_made ? own_array((Lent *)any) : NULL;
    return own != NULL && is_like(value, own);
}

/* Any other value, in memory that is lent: a new reference. */
static Lent *copy_of(Lender *self, PyObject *value)
{
    if (!is_plain(self, value))
        return checked(PyObject_CallMethodOneArg((PyObject *)self, name_copy, value));
    Lent *lent = free_one(self);
    if (lent != NULL)
        copies(lent, value);
    return lent;
}

static PyObject *lender_store(Lender *self, PyObject *value)
{
    if (!is_made(self))
        return NULL;
    Lent *lent = (Lent *)Py_XNewRef(self->lent);
    if (lent == NULL || lent->value != value) {
        Py_XDECREF(lent);
        lent = copy_of(self, value);
        if (lent == NULL)
            return NULL;
    }
    freeze(lent);
    Py_CLEAR(self->lent);
    Py_XSETREF(self->stored, Py_NewRef(lent->memory));
    PyObject *stored = Py_NewRef(lent->value);
    Py_DECREF(lent);
    return stored;
}

static PyObject *lender_cannot(Lender *self, PyObject *unused)
{
    PyErr_SetString(PyExc_NotImplementedError, "a Lender needs _another and _copy");
    return NULL;
}

static PyObject *get_lent(Lender *self, void *unused)
{
    return Py_NewRef(self->lent != NULL ? (PyObject *)self->lent : Py_None);
}

static PyMemberDef lender_members[] = {
    {"stored", T_OBJECT_EX, offsetof(Lender, stored), READONLY, NULL},
    {NULL},
};

static PyGetSetDef lender_properties[] = {
    {"_lent", (getter)get_lent, NULL, "What `empty` lent last, until it is stored.", NULL},
    {NULL},
};

static PyMethodDef lender_methods[] = {
    {"empty", (PyCFunction)lender_empty, METH_NOARGS, "A value that nobody refers to."},
    {"store", (PyCFunction)lender_store, METH_O, "The value that `empty` lent, or a copy of any other."},
    {"_another", (PyCFunction)lender_cannot, METH_NOARGS, "One that nobody refers to, when all are held."},
    {"_copy", (PyCFunction)lender_cannot, METH_O, "Any other value, in memory that is lent."},
    {NULL},
};

static PyTypeObject lender_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.lender.Lender",
    .tp_basicsize = sizeof(Lender),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "Lends the values of one port.",
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)lender_init,
    .tp_dealloc = (destructor)lender_dealloc,
    .tp_traverse = (traverseproc)lender_traverse,
    .tp_clear = (inquiry)lender_clear,
    .tp_members = lender_members,
    .tp_getset = lender_properties,
    .tp_methods = lender_methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.lender", NULL, -1, NULL};

PyMODINIT_FUNC PyInit_lender(void)
{
    lent_type = type_of("rlreactor.lent", "Lent", sizeof(Lent));
    name_another = PyUnicode_InternFromString("_another");
    name_copy = PyUnicode_InternFromString("_copy");
    if (lent_type == NULL || name_another == NULL || name_copy == NULL)
        return NULL;
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && PyModule_AddType(made, &lender_type) < 0)
        Py_CLEAR(made);
    return made;
}
