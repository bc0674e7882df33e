/* Lends slots of shared memory in turn: slot_lender.py says what that means. */

#include "slot_lender.h"
#include "../types.h"
#include "words.h"
#include <structmember.h>

static PyTypeObject *lender_type, *lent_type, *words_type;
static PyObject *name_await_room, *name_copy, *name_spare;

static int are_words(PyObject *given)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given); i++)
        if (!Py_IS_TYPE(PyTuple_GET_ITEM(given, i), words_type)) {
            PyErr_Format(PyExc_TypeError, "expected words, received %R", PyTuple_GET_ITEM(given, i));
            return 0;
        }
    return 1;
}

static int slots_init(SlotLender *self, PyObject *args, PyObject *keywords)
{
    PyObject *slots, *released;
    if (!PyArg_ParseTuple(args, "O!O!:SlotLender", &PyList_Type, &slots, &PyTuple_Type, &released) ||
        !are_words(released))
        return -1;
    PyObject *base = PyTuple_Pack(1, slots);
    int failed = base == NULL ? -1 : lender_type->tp_init((PyObject *)self, base, NULL);
    Py_XDECREF(base);
    if (failed < 0)
        return -1;
    Py_XSETREF(self->released, Py_NewRef(released));
    self->taken = 0;
    self->most = PyList_GET_SIZE(slots);
    self->current = -1;
    self->is_given = 0;
    return 0;
}

static int slots_traverse(SlotLender *self, visitproc visit, void *arg)
{
    Py_VISIT(self->released);
    return lender_type->tp_traverse((PyObject *)self, visit, arg);
}

static int slots_clear(SlotLender *self)
{
    Py_CLEAR(self->released);
    return lender_type->tp_clear((PyObject *)self);
}

static void slots_dealloc(SlotLender *self)
{
    PyObject_GC_UnTrack(self);
    slots_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static int called(PyObject *result)
{
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static int has_room(SlotLender *self)
{
    int64_t least = INT64_MAX;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self->released); i++) {
        int64_t released = loaded((Words *)PyTuple_GET_ITEM(self->released, i), 0);
        least = released < least ? released : least;
    }
    Py_ssize_t count = PyList_GET_SIZE(self->lender.values);
    self->most = least > INT64_MAX - count ? INT64_MAX : least + count;
    return self->taken < self->most;
}

static int take(SlotLender *self)
{
    while (self->taken >= self->most && !has_room(self))
        if (called(PyObject_CallMethodNoArgs((PyObject *)self, name_await_room)) < 0)
            return -1;
    self->current = self->taken++ % PyList_GET_SIZE(self->lender.values);
    return 0;
}

/* What lies in the slot of this tag's value: borrowed; NULL with an error set. */
static Lent *current_slot(SlotLender *self)
{
    PyObject *slots = self->lender.values;
    if (slots != NULL && self->current >= 0 && self->current < PyList_GET_SIZE(slots)) {
        PyObject *lent = PyList_GET_ITEM(slots, self->current);
        if (Py_IS_TYPE(lent, lent_type) && ((Lent *)lent)->arrays != NULL)
            return (Lent *)lent;
    }
    PyErr_SetString(PyExc_RuntimeError, "a slot lender without its slots");
    return NULL;
}

/* The slot of this tag's value, writable: borrowed. */
static Lent *slot(SlotLender *self)
{
    if (self->lender.values == NULL || PyList_GET_SIZE(self->lender.values) == 0) {
        PyErr_SetString(PyExc_RuntimeError, "a slot lender without slots");
        return NULL;
    }
    if (self->current < 0 && take(self) < 0)
        return NULL;
    Lent *lent = current_slot(self);
    if (lent != NULL && is_held(lent)) {
        if (called(PyObject_CallMethod((PyObject *)self, "_detach", "n", self->current)) < 0)
            return NULL;
        lent = current_slot(self);
    }
    if (lent != NULL)
        thaw(lent);
    return lent;
}

static PyObject *slots_empty(SlotLender *self, PyObject *unused)
{
    Py_CLEAR(self->lender.lent);
    if (self->is_given)
        return PyObject_CallMethodNoArgs((PyObject *)self, name_spare);
    Lent *lent = slot(self);
    if (lent == NULL)
        return NULL;
    self->lender.lent = (Lent *)Py_NewRef(lent);
    return Py_NewRef(lent->value);
}

/* Any other value, in the slot: borrowed. */
static Lent *copy_of(SlotLender *self, PyObject *value)
{
    Lent *lent = slot(self);
    if (lent == NULL || copies(lent, value))
        return lent;
    if (called(PyObject_CallMethodOneArg((PyObject *)self, name_copy, value)) < 0)
        return NULL;
    return current_slot(self);
}

static PyObject *slots_store(SlotLender *self, PyObject *value)
{
    Lent *lent = self->lender.lent;
    if (lent == NULL || lent->value != value)
        lent = copy_of(self, value);
    if (lent == NULL)
        return NULL;
    freeze(lent);
    self->is_given = 1;
    Py_XSETREF(self->lender.stored, Py_NewRef(lent->memory));
    PyObject *stored = Py_NewRef(lent->value);
    Py_CLEAR(self->lender.lent);
    return stored;
}

static PyObject *slots_sent(SlotLender *self, PyObject *unused)
{
    if (self->current >= 0)
        return PyLong_FromSsize_t(sent_slot(self));
    PyErr_SetString(PyExc_AssertionError, "no slot was taken since the last one was sent");
    return NULL;
}

static PyObject *slots_cannot(SlotLender *self, PyObject *args)
{
    PyErr_SetString(PyExc_NotImplementedError, "a SlotLender needs _await_room, _copy, _detach and _spare");
    return NULL;
}

static PyMemberDef slots_members[] = {
    {"taken", T_LONGLONG, offsetof(SlotLender, taken), READONLY, NULL},
    {"current", T_PYSSIZET, offsetof(SlotLender, current), READONLY, NULL},
    {NULL},
};

static PyMethodDef slots_methods[] = {
    {"empty", (PyCFunction)slots_empty, METH_NOARGS, "The next slot itself, or other memory if that is given away."},
    {"store", (PyCFunction)slots_store, METH_O, "The value that `empty` lent, or a copy of any other."},
    {"sent", (PyCFunction)slots_sent, METH_NOARGS, "The slot whose number goes to the readers now."},
    {"_await_room", (PyCFunction)slots_cannot, METH_NOARGS, "Wait until a slot is free."},
    {"_copy", (PyCFunction)slots_cannot, METH_O, "Copy any value that fits the port into the current slot."},
    {"_detach", (PyCFunction)slots_cannot, METH_O, "Leave a slot's value to whoever holds it."},
    {"_spare", (PyCFunction)slots_cannot, METH_NOARGS, "A value in other memory."},
    {NULL},
};

static PyTypeObject slots_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.links.slot_lender.SlotLender",
    .tp_basicsize = sizeof(SlotLender),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "Lends slots in turn.",
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)slots_init,
    .tp_dealloc = (destructor)slots_dealloc,
    .tp_traverse = (traverseproc)slots_traverse,
    .tp_clear = (inquiry)slots_clear,
    .tp_members = slots_members,
    .tp_methods = slots_methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.links.slot_lender", NULL, -1, NULL};

static const Name names[] = {
    {&name_await_room, "_await_room"},
    {&name_copy, "_copy"},
    {&name_spare, "_spare"},
};

PyMODINIT_FUNC PyInit_slot_lender(void)
{
    lender_type = type_of("rlreactor.lender", "Lender", sizeof(Lender));
    lent_type = type_of("rlreactor.lent", "Lent", sizeof(Lent));
    words_type = type_of("rlreactor.links.words", "Words", sizeof(Words));
    if (lender_type == NULL || lent_type == NULL || words_type == NULL ||
        !has_names(names, sizeof(names) / sizeof(*names)))
        return NULL;
    slots_type.tp_base = lender_type;
    PyObject *made = PyModule_Create(&module);
    if (made != NULL &&
        (PyModule_AddType(made, &slots_type) < 0 || PyModule_AddObjectRef(made, "IS_OPEN", Py_True) < 0))
        Py_CLEAR(made);
    return made;
}
