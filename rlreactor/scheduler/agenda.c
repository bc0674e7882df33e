/* What happens at each tag: agenda.py, which says what all this means, in C. */

#include "agenda.h"
#include "../types.h"
#include <structmember.h>

static PyObject *forever, *heappush, *heappop;

static PyObject *agenda_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    Agenda *self = (Agenda *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->head = Py_NewRef(forever);
    self->first = PyList_New(0);
    self->later = PyList_New(0);
    self->at = PyDict_New();
    if (self->first == NULL || self->later == NULL || self->at == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int agenda_traverse(Agenda *self, visitproc visit, void *arg)
{
    Py_VISIT(self->head);
    Py_VISIT(self->first);
    Py_VISIT(self->later);
    Py_VISIT(self->at);
    return 0;
}

static int agenda_clear(Agenda *self)
{
    Py_CLEAR(self->head);
    Py_CLEAR(self->first);
    Py_CLEAR(self->later);
    Py_CLEAR(self->at);
    return 0;
}

static void agenda_dealloc(Agenda *self)
{
    PyObject_GC_UnTrack(self);
    agenda_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static int is_whole(Agenda *self)
{
    if (self->head != NULL && self->first != NULL && PyList_Check(self->first) && self->later != NULL &&
        PyList_Check(self->later) && self->at != NULL && PyDict_Check(self->at))
        return 1;
    PyErr_SetString(PyExc_TypeError, "an agenda needs a head, a first and a later list and a dictionary");
    return 0;
}

static int add_later(Agenda *self, PyObject *tag)
{
    PyObject *pushed = PyObject_CallFunctionObjArgs(heappush, self->later, tag, NULL);
    Py_XDECREF(pushed);
    return pushed == NULL ? -1 : 0;
}

/* The head, if there is any, is not the earliest any more. */
static int put_back(Agenda *self)
{
    if (!PyList_GET_SIZE(self->first))
        return 0;
    return add_later(self, self->head) < 0 || PyDict_SetItem(self->at, self->head, self->first) < 0 ? -1 : 0;
}

/* A new list: whoever took the last one may still go through it. */
static PyObject *list_of(PyObject *event)
{
    PyObject *list = PyList_New(1);
    if (list != NULL)
        PyList_SET_ITEM(list, 0, Py_NewRef(event));
    return list;
}

static int push_later(Agenda *self, PyObject *tag, PyObject *event)
{
    PyObject *events = PyDict_GetItemWithError(self->at, tag);
    if (events != NULL)
        return PyList_Append(events, event);
    if (PyErr_Occurred() || (events = list_of(event)) == NULL)
        return -1;
    int failed = PyDict_SetItem(self->at, tag, events) < 0 || add_later(self, tag) < 0;
    Py_DECREF(events);
    return failed ? -1 : 0;
}

static int push_before(Agenda *self, PyObject *tag, PyObject *event)
{
    PyObject *first = list_of(event);
    if (first == NULL || put_back(self) < 0) {
        Py_XDECREF(first);
        return -1;
    }
    Py_SETREF(self->head, Py_NewRef(tag));
    Py_SETREF(self->first, first);
    return 0;
}

static int push(Agenda *self, PyObject *tag, PyObject *event)
{
    Point point, head;
    if (!is_whole(self) || point_of(tag, &point) < 0 || point_of(self->head, &head) < 0)
        return -1;
    int is_empty = !PyList_GET_SIZE(self->first);
    if (is_earlier(point, head) || (is_empty && is_same(point, head)))
        return push_before(self, tag, event);
    if (!is_same(point, head))
        return push_later(self, tag, event);
    return PyList_Append(self->first, event);
}

static PyObject *agenda_push(Agenda *self, PyObject *const *args, Py_ssize_t count)
{
    if (count < 2 || count > 3) {
        PyErr_SetString(PyExc_TypeError, "push() takes a tag, a target and perhaps a value");
        return NULL;
    }
    PyObject *event = PyTuple_Pack(2, args[1], count == 3 ? args[2] : Py_None);
    int failed = event == NULL ? -1 : push(self, args[0], event);
    Py_XDECREF(event);
    if (failed < 0)
        return NULL;
    Py_RETURN_NONE;
}

static int advance(Agenda *self)
{
    if (!is_whole(self))
        return -1;
    if (!PyList_GET_SIZE(self->later)) {
        PyObject *none = PyList_New(0);
        if (none == NULL)
            return -1;
        Py_SETREF(self->head, Py_NewRef(forever));
        Py_SETREF(self->first, none);
        return 0;
    }
    PyObject *head = PyObject_CallOneArg(heappop, self->later);
    PyObject *first = head == NULL ? NULL : PyDict_GetItemWithError(self->at, head);
    if (first == NULL) {
        if (head != NULL && !PyErr_Occurred())
            PyErr_SetObject(PyExc_KeyError, head);
        Py_XDECREF(head);
        return -1;
    }
    Py_SETREF(self->first, Py_NewRef(first));
    Py_SETREF(self->head, head);
    return PyDict_DelItem(self->at, head);
}

static PyObject *agenda_advance(Agenda *self, PyObject *unused)
{
    if (advance(self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *agenda_pop(Agenda *self, PyObject *tag)
{
    Point point, head;
    if (!is_whole(self) || point_of(tag, &point) < 0 || point_of(self->head, &head) < 0)
        return NULL;
    if (!is_same(point, head))
        return PyList_New(0);
    PyObject *events = Py_NewRef(self->first);
    if (advance(self) < 0)
        Py_CLEAR(events);
    return events;
}

static PyMemberDef agenda_members[] = {
    {"head", T_OBJECT_EX, offsetof(Agenda, head), 0, NULL},
    {"first", T_OBJECT_EX, offsetof(Agenda, first), 0, NULL},
    {"later", T_OBJECT_EX, offsetof(Agenda, later), 0, NULL},
    {"at", T_OBJECT_EX, offsetof(Agenda, at), 0, NULL},
    {NULL},
};

static PyMethodDef agenda_methods[] = {
    {"push", (PyCFunction)(void (*)(void))agenda_push, METH_FASTCALL, "Queue an event."},
    {"pop", (PyCFunction)agenda_pop, METH_O, "What happens at a tag, which is the head or earlier."},
    {"advance", (PyCFunction)agenda_advance, METH_NOARGS, "The head is dealt with."},
    {NULL},
};

static PyTypeObject agenda_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.scheduler.agenda.Agenda",
    .tp_basicsize = sizeof(Agenda),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "Events by their tags.",
    .tp_new = agenda_new,
    .tp_dealloc = (destructor)agenda_dealloc,
    .tp_traverse = (traverseproc)agenda_traverse,
    .tp_clear = (inquiry)agenda_clear,
    .tp_members = agenda_members,
    .tp_methods = agenda_methods,
};

static AgendaCalls calls = {push, advance};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.scheduler.agenda", NULL, -1, NULL};

PyMODINIT_FUNC PyInit_agenda(void)
{
    if ((forever = attribute_of("rlreactor.tag", "FOREVER")) == NULL ||
        (heappush = attribute_of("heapq", "heappush")) == NULL || (heappop = attribute_of("heapq", "heappop")) == NULL)
        return NULL;
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && (PyModule_AddType(made, &agenda_type) < 0 || add_calls(made, AGENDA_CALLS, &calls) < 0))
        Py_CLEAR(made);
    return made;
}
