/* Where a worker is in its program: position.py, which says what all this means, in C. */

#include "position.h"
#include "../types.h"
#include <structmember.h>

static PyTypeObject *agenda_type, *loop_type, *running_type;

static PyObject *attribute_of_type(PyObject *object, const char *name, PyTypeObject *type)
{
    PyObject *found = PyObject_GetAttrString(object, name);
    if (found != NULL && !PyObject_TypeCheck(found, type)) {
        PyErr_Format(PyExc_TypeError, "%s: expected %s, received %R", name, type->tp_name, found);
        Py_CLEAR(found);
    }
    return found;
}

static PyObject *position_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *scheduler;
    if (!PyArg_ParseTuple(args, "O!:Position", loop_type, &scheduler))
        return NULL;
    Position *self = (Position *)type->tp_alloc(type, 0);
    PyObject *binding = self == NULL ? NULL : PyObject_GetAttrString(scheduler, "binding");
    if (binding != NULL) {
        self->scheduler = (SteadyLoop *)Py_NewRef(scheduler);
        self->execution = (Running *)attribute_of_type(binding, "execution", running_type);
        self->queue = (Agenda *)attribute_of_type(binding, "queue", agenda_type);
        self->inbox = PyObject_GetAttrString(scheduler, "inbox");
        self->last = (Point){0, -1};
        Py_DECREF(binding);
    }
    if (PyErr_Occurred())
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int position_traverse(Position *self, visitproc visit, void *arg)
{
    Py_VISIT(self->scheduler);
    Py_VISIT(self->execution);
    Py_VISIT(self->queue);
    Py_VISIT(self->inbox);
    return 0;
}

static int position_clear(Position *self)
{
    Py_CLEAR(self->scheduler);
    Py_CLEAR(self->execution);
    Py_CLEAR(self->queue);
    Py_CLEAR(self->inbox);
    return 0;
}

static void position_dealloc(Position *self)
{
    PyObject_GC_UnTrack(self);
    position_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *position_head(Position *self, PyObject *unused)
{
    return Py_NewRef(self->in_tag ? self->execution->tag : self->queue->head);
}

static PyObject *get_last(Position *self, void *unused)
{
    return point_as_tuple(self->last);
}

static int set_last(Position *self, PyObject *last, void *unused)
{
    if (last != NULL)
        return point_of(last, &self->last);
    PyErr_SetString(PyExc_TypeError, "the last tag cannot be deleted");
    return -1;
}

static PyMemberDef position_members[] = {
    {"scheduler", T_OBJECT_EX, offsetof(Position, scheduler), READONLY, NULL},
    {"execution", T_OBJECT_EX, offsetof(Position, execution), READONLY, NULL},
    {"queue", T_OBJECT_EX, offsetof(Position, queue), READONLY, NULL},
    {"inbox", T_OBJECT_EX, offsetof(Position, inbox), READONLY, NULL},
    {"in_tag", T_BOOL, offsetof(Position, in_tag), 0, NULL},
    {"received", T_LONGLONG, offsetof(Position, received), 0, NULL},
    {NULL},
};

static PyGetSetDef position_properties[] = {
    {"last", (getter)get_last, (setter)set_last, "The last tag that it finished and that counts.", NULL},
    {NULL},
};

static PyMethodDef position_methods[] = {
    {"head", (PyCFunction)position_head, METH_NOARGS, "The earliest event that the worker has."},
    {NULL},
};

static PyTypeObject position_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.runtime.position.Position",
    .tp_basicsize = sizeof(Position),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "Where one worker is.",
    .tp_new = position_new,
    .tp_dealloc = (destructor)position_dealloc,
    .tp_traverse = (traverseproc)position_traverse,
    .tp_clear = (inquiry)position_clear,
    .tp_members = position_members,
    .tp_getset = position_properties,
    .tp_methods = position_methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.runtime.position", NULL, -1, NULL};

PyMODINIT_FUNC PyInit_position(void)
{
    if ((agenda_type = type_of("rlreactor.scheduler.agenda", "Agenda", sizeof(Agenda))) == NULL ||
        (loop_type = type_of("rlreactor.scheduler.steady", "SteadyLoop", sizeof(SteadyLoop))) == NULL ||
        (running_type = type_of("rlreactor.access", "Running", sizeof(Running))) == NULL)
        return NULL;
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && PyModule_AddType(made, &position_type) < 0)
        Py_CLEAR(made);
    return made;
}
