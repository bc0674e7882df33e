/* Bytes that wait to be hashed: gathering.py, which says what all this means, in C. */

#include "gathering.h"

static void gathering_dealloc(Gathering *self)
{
    PyMem_Free(self->bytes);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static Py_ssize_t gathering_length(Gathering *self)
{
    return self->used;
}

static PyObject *done(int failed)
{
    if (failed < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *gathering_call(Gathering *self, PyObject *args, PyObject *keywords)
{
    PyObject *data;
    return PyArg_ParseTuple(args, "O:Gathering", &data) ? done(gather_bytes(self, data)) : NULL;
}

static PyObject *gathering_append(Gathering *self, PyObject *given)
{
    return done(PyTuple_Check(given) ? gather_tag(self, given) : gather_number(self, given));
}

static PyObject *gathering_bytes(Gathering *self, PyObject *unused)
{
    return PyBytes_FromStringAndSize((const char *)self->bytes, self->used);
}

static PyObject *gathering_take(Gathering *self, PyObject *unused)
{
    PyObject *taken = gathering_bytes(self, NULL);
    if (taken != NULL)
        self->used = 0;
    return taken;
}

static PyMethodDef gathering_methods[] = {
    {"append", (PyCFunction)gathering_append, METH_O, "Add a tag or a number."},
    {"take", (PyCFunction)gathering_take, METH_NOARGS, "What has gathered, which begins anew."},
    {"__bytes__", (PyCFunction)gathering_bytes, METH_NOARGS, "What has gathered."},
    {NULL},
};

static PySequenceMethods gathering_sequence = {.sq_length = (lenfunc)gathering_length};

static PyTypeObject gathering_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.scheduler.gathering.Gathering",
    .tp_basicsize = sizeof(Gathering),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "Takes bytes when it is called, and tags and numbers by `append`.",
    .tp_new = PyType_GenericNew,
    .tp_dealloc = (destructor)gathering_dealloc,
    .tp_call = (ternaryfunc)gathering_call,
    .tp_as_sequence = &gathering_sequence,
    .tp_methods = gathering_methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.scheduler.gathering", NULL, -1, NULL};

PyMODINIT_FUNC PyInit_gathering(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && PyModule_AddType(made, &gathering_type) < 0)
        Py_CLEAR(made);
    return made;
}
