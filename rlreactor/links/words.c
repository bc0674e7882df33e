/* Shared words: words.py, which says what all this means and why it is enough, in C. */

#include "words.h"
#include <string.h>

static PyObject *link_error;

static PyTypeObject words_type;

static PyObject *words_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"mapping", "offset", "count", NULL};
    PyObject *mapping;
    Py_ssize_t offset = 0, count = 1;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|nn:Words", names, &mapping, &offset, &count))
        return NULL;
    Words *self = (Words *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    if (PyObject_GetBuffer(mapping, &self->view, PyBUF_SIMPLE) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    if (offset < 0 || offset % WORD || count < 1 || count > self->view.len / WORD ||
        offset > self->view.len - count * WORD) {
        PyErr_Format(link_error, "%zd words at byte %zd: expected a multiple of %d and an end within %zd bytes", count,
                     offset, WORD, self->view.len);
        Py_DECREF(self);
        return NULL;
    }
    self->words = (int64_t *)((char *)self->view.buf + offset);
    self->count = count;
    self->read_only = self->view.readonly;
    return (PyObject *)self;
}

static void words_dealloc(Words *self)
{
    if (self->view.obj != NULL)
        PyBuffer_Release(&self->view);
    Py_CLEAR(self->whole);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static Py_ssize_t words_length(Words *self)
{
    return self->count;
}

static int is_inside(Words *self, Py_ssize_t index, Py_ssize_t count)
{
    if (index >= 0 && count >= 0 && index <= self->count - count)
        return 1;
    PyErr_Format(PyExc_IndexError, "words %zd to %zd of %zd", index, index + count, self->count);
    return 0;
}

static int may_write(Words *self)
{
    if (!self->read_only)
        return 1;
    PyErr_SetString(PyExc_TypeError, "cannot modify read-only memory");
    return 0;
}

static int stored(Words *self, Py_ssize_t index, PyObject *value)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow)
        PyErr_Format(PyExc_ValueError, "%R does not fit a word of 64 bits", value);
    if (overflow || (number == -1 && PyErr_Occurred()))
        return -1;
    put_word(self, index, number);
    return 0;
}

static PyObject *part_of(Words *self, PyObject *slice)
{
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(slice, &start, &stop, &step) < 0)
        return NULL;
    Py_ssize_t count = PySlice_AdjustIndices(self->count, &start, &stop, step);
    if (step != 1 || count < 1) {
        PyErr_SetString(PyExc_ValueError, "a part of words: expected at least one, and all between its ends");
        return NULL;
    }
    Words *part = (Words *)words_type.tp_alloc(&words_type, 0);
    if (part == NULL)
        return NULL;
    part->whole = Py_NewRef((PyObject *)self);
    part->words = self->words + start;
    part->count = count;
    part->read_only = self->read_only;
    return (PyObject *)part;
}

static PyObject *words_subscript(Words *self, PyObject *key)
{
    if (PySlice_Check(key))
        return part_of(self, key);
    Py_ssize_t index = PyLong_AsSsize_t(key);
    if ((index == -1 && PyErr_Occurred()) || !is_inside(self, index, 1))
        return NULL;
    return PyLong_FromLongLong(loaded(self, index));
}

static int words_assign(Words *self, PyObject *key, PyObject *value)
{
    Py_ssize_t index = PyLong_AsSsize_t(key);
    if ((index == -1 && PyErr_Occurred()) || !is_inside(self, index, 1) || !may_write(self))
        return -1;
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "words cannot be deleted");
        return -1;
    }
    return stored(self, index, value);
}

static PyObject *words_load(Words *self, PyObject *key)
{
    return words_subscript(self, key);
}

static PyObject *words_store(Words *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "store() takes an index and a value");
        return NULL;
    }
    if (words_assign(self, args[0], args[1]) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *words_fill(Words *self, PyObject *const *args, Py_ssize_t count)
{
    if (count < 1) {
        PyErr_SetString(PyExc_TypeError, "fill() takes an index and values");
        return NULL;
    }
    Py_ssize_t first = PyLong_AsSsize_t(args[0]);
    if ((first == -1 && PyErr_Occurred()) || !is_inside(self, first, count - 1) || !may_write(self))
        return NULL;
    for (Py_ssize_t i = 0; i < count - 1; i++)
        if (stored(self, first + i, args[1 + i]) < 0)
            return NULL;
    Py_RETURN_NONE;
}

static int two_sizes(PyObject *const *args, Py_ssize_t count, Py_ssize_t *first, Py_ssize_t *length)
{
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "expected a place and a length");
        return -1;
    }
    *first = PyLong_AsSsize_t(args[0]);
    if (*first == -1 && PyErr_Occurred())
        return -1;
    *length = PyLong_AsSsize_t(args[1]);
    return *length == -1 && PyErr_Occurred() ? -1 : 0;
}

static PyObject *words_several(Words *self, PyObject *const *args, Py_ssize_t count)
{
    Py_ssize_t first, length;
    if (two_sizes(args, count, &first, &length) < 0 || !is_inside(self, first, length))
        return NULL;
    PyObject *values = PyTuple_New(length);
    for (Py_ssize_t i = 0; values != NULL && i < length; i++) {
        PyObject *value = PyLong_FromLongLong(loaded(self, first + i));
        if (value == NULL)
            Py_CLEAR(values);
        else
            PyTuple_SET_ITEM(values, i, value);
    }
    return values;
}

static int are_bytes_inside(Words *self, Py_ssize_t at, Py_ssize_t length)
{
    if (at >= 0 && length >= 0 && at <= self->count * WORD - length)
        return 1;
    PyErr_Format(PyExc_IndexError, "bytes %zd to %zd of %zd", at, at + length, self->count * WORD);
    return 0;
}

static PyObject *words_put(Words *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "put() takes a place and bytes");
        return NULL;
    }
    Py_ssize_t at = PyLong_AsSsize_t(args[0]);
    Py_buffer data;
    if ((at == -1 && PyErr_Occurred()) || !may_write(self) || PyObject_GetBuffer(args[1], &data, PyBUF_SIMPLE) < 0)
        return NULL;
    int inside = are_bytes_inside(self, at, data.len);
    if (inside)
        memcpy((char *)self->words + at, data.buf, data.len);
    PyBuffer_Release(&data);
    if (!inside)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *words_copy(Words *self, PyObject *const *args, Py_ssize_t count)
{
    Py_ssize_t at, length;
    if (two_sizes(args, count, &at, &length) < 0 || !are_bytes_inside(self, at, length))
        return NULL;
    return PyBytes_FromStringAndSize((char *)self->words + at, length);
}

static PyMethodDef words_methods[] = {
    {"load", (PyCFunction)words_load, METH_O, "One word."},
    {"store", (PyCFunction)(void (*)(void))words_store, METH_FASTCALL, "Set one word."},
    {"fill", (PyCFunction)(void (*)(void))words_fill, METH_FASTCALL, "Set words that follow each other, in order."},
    {"several", (PyCFunction)(void (*)(void))words_several, METH_FASTCALL, "Words that follow each other."},
    {"put", (PyCFunction)(void (*)(void))words_put, METH_FASTCALL, "Copy bytes to byte `at` of them."},
    {"copy", (PyCFunction)(void (*)(void))words_copy, METH_FASTCALL, "A copy of so many bytes, from byte `at` on."},
    {NULL},
};

static PyMappingMethods words_mapping = {
    .mp_length = (lenfunc)words_length,
    .mp_subscript = (binaryfunc)words_subscript,
    .mp_ass_subscript = (objobjargproc)words_assign,
};

static PyTypeObject words_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.links.words.Words",
    .tp_basicsize = sizeof(Words),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "`count` int64 words at byte `offset` of a mapping.",
    .tp_new = words_new,
    .tp_dealloc = (destructor)words_dealloc,
    .tp_methods = words_methods,
    .tp_as_mapping = &words_mapping,
};

static PyObject *fence(PyObject *module, PyObject *unused)
{
    full_fence();
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"fence", fence, METH_NOARGS, "A full barrier: every earlier store is visible to all before any later load runs."},
    {NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.links.words", NULL, -1, functions};

PyMODINIT_FUNC PyInit_words(void)
{
    PyObject *errors = PyImport_ImportModule("rlreactor.errors");
    link_error = errors == NULL ? NULL : PyObject_GetAttrString(errors, "LinkError");
    Py_XDECREF(errors);
    PyObject *made = link_error == NULL ? NULL : PyModule_Create(&module);
    if (made == NULL)
        return NULL;
    if (PyModule_AddType(made, &words_type) < 0 || PyModule_AddIntConstant(made, "WORD", WORD) < 0 ||
        PyModule_AddIntConstant(made, "CACHE_LINE", CACHE_LINE) < 0) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}
