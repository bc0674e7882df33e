/* Tags as they are hashed: packed_tags.py, which says what all this means, in C. */

#include "packed_tags.h"

static void tags_dealloc(PackedTags *self)
{
    PyMem_Free(self->bytes);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static Py_ssize_t tags_length(PackedTags *self)
{
    return self->count;
}

static PyObject *tags_append(PackedTags *self, PyObject *tag)
{
    if (pack_tag(self, tag) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *tags_take(PackedTags *self, PyObject *unused)
{
    PyObject *taken = PyBytes_FromStringAndSize((const char *)self->bytes, self->used);
    if (taken != NULL)
        self->used = self->count = 0;
    return taken;
}

static PyMethodDef tags_methods[] = {
    {"append", (PyCFunction)tags_append, METH_O, "Add a tag."},
    {"take", (PyCFunction)tags_take, METH_NOARGS, "The bytes of all that were added, which are forgotten."},
    {NULL},
};

static PySequenceMethods tags_sequence = {.sq_length = (lenfunc)tags_length};

static PyTypeObject tags_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.scheduler.packed_tags.PackedTags",
    .tp_basicsize = sizeof(PackedTags),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "Gathers tags, and gives their bytes.",
    .tp_new = PyType_GenericNew,
    .tp_dealloc = (destructor)tags_dealloc,
    .tp_as_sequence = &tags_sequence,
    .tp_methods = tags_methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.scheduler.packed_tags", NULL, -1, NULL};

PyMODINIT_FUNC PyInit_packed_tags(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && PyModule_AddType(made, &tags_type) < 0)
        Py_CLEAR(made);
    return made;
}
