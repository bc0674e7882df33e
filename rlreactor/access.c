/* What happens whenever a reaction touches a port: access.py, which says what all this means, in C. */

#include "access.h"
#include <structmember.h>

static PyObject *never;
static PyObject *tag_type;

/* Cell */

static PyObject *cell_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    if (PyTuple_GET_SIZE(args) || (keywords != NULL && PyDict_GET_SIZE(keywords))) {
        PyErr_SetString(PyExc_TypeError, "Cell() takes no arguments");
        return NULL;
    }
    Cell *self = (Cell *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->value = Py_NewRef(never);
    self->present = Py_NewRef(Py_False);
    self->outlet = Py_NewRef(Py_None);
    self->ranks = PyTuple_New(0);
    if (self->ranks == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int cell_traverse(Cell *self, visitproc visit, void *arg)
{
    Py_VISIT(self->value);
    Py_VISIT(self->present);
    Py_VISIT(self->ranks);
    Py_VISIT(self->outlet);
    return 0;
}

static int cell_clear(Cell *self)
{
    Py_CLEAR(self->value);
    Py_CLEAR(self->present);
    Py_CLEAR(self->ranks);
    Py_CLEAR(self->outlet);
    return 0;
}

static void cell_dealloc(Cell *self)
{
    PyObject_GC_UnTrack(self);
    cell_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMemberDef cell_members[] = {
    {"value", T_OBJECT_EX, offsetof(Cell, value), 0, NULL},
    {"present", T_OBJECT_EX, offsetof(Cell, present), 0, NULL},
    {"ranks", T_OBJECT_EX, offsetof(Cell, ranks), 0, NULL},
    {"outlet", T_OBJECT_EX, offsetof(Cell, outlet), 0, NULL},
    {NULL},
};

static PyObject *cell_assign(Cell *self, PyObject *const *args, Py_ssize_t count);

static PyMethodDef cell_methods[] = {
    {"assign", (PyCFunction)(void (*)(void))cell_assign, METH_FASTCALL, "Make `value` present at the current tag."},
    {NULL},
};

static PyTypeObject cell_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.access.Cell",
    .tp_basicsize = sizeof(Cell),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "The value of one port and of everything connected to it without delay: set once, read by all.",
    .tp_new = cell_new,
    .tp_dealloc = (destructor)cell_dealloc,
    .tp_traverse = (traverseproc)cell_traverse,
    .tp_clear = (inquiry)cell_clear,
    .tp_members = cell_members,
    .tp_methods = cell_methods,
};

/* Running */

static PyObject *running_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    Running *self = (Running *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->reaction = Py_NewRef(Py_None);
    self->present = PyList_New(0);
    self->tag = PyObject_CallFunction(tag_type, "ii", 0, 0);
    if (self->present == NULL || self->tag == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int running_init(PyObject *self, PyObject *args, PyObject *keywords)
{
    return 0;
}

static int running_traverse(Running *self, visitproc visit, void *arg)
{
    Py_VISIT(self->reaction);
    Py_VISIT(self->present);
    Py_VISIT(self->tag);
    return 0;
}

static int running_clear(Running *self)
{
    Py_CLEAR(self->reaction);
    Py_CLEAR(self->present);
    Py_CLEAR(self->tag);
    return 0;
}

static void running_dealloc(Running *self)
{
    PyObject_GC_UnTrack(self);
    running_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMemberDef running_members[] = {
    {"reaction", T_OBJECT_EX, offsetof(Running, reaction), 0, NULL},
    {"present", T_OBJECT_EX, offsetof(Running, present), READONLY, NULL},
    {"tag", T_OBJECT_EX, offsetof(Running, tag), 0, NULL},
    {NULL},
};

static PyTypeObject running_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.access.Running",
    .tp_basicsize = sizeof(Running),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "What of a worker's state every access looks at.",
    .tp_new = running_new,
    .tp_init = running_init,
    .tp_dealloc = (destructor)running_dealloc,
    .tp_traverse = (traverseproc)running_traverse,
    .tp_clear = (inquiry)running_clear,
    .tp_members = running_members,
};

static PyObject *cell_assign(Cell *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !PyObject_TypeCheck(args[1], &running_type)) {
        PyErr_SetString(PyExc_TypeError, "assign() takes a value and the state of the worker");
        return NULL;
    }
    if (assign(self, args[0], (Running *)args[1]) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Access */

typedef struct {
    PyObject_HEAD
    Cell *cell;
    Running *execution;
    PyObject *readers;
    PyObject *writers;
    PyObject *reader;
    PyObject *writer;
    PyObject *store;
    PyObject *lend;
    PyObject *plain;
    PyObject *load;
} Access;

/* By way of `object`, which gives instances of subclasses their attributes without a dictionary. */
static PyObject *access_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *nothing = PyTuple_New(0);
    PyObject *made = nothing == NULL ? NULL : PyBaseObject_Type.tp_new(type, nothing, NULL);
    Py_XDECREF(nothing);
    return made;
}

static int access_traverse(Access *self, visitproc visit, void *arg)
{
    Py_VISIT(self->cell);
    Py_VISIT(self->execution);
    Py_VISIT(self->readers);
    Py_VISIT(self->writers);
    Py_VISIT(self->reader);
    Py_VISIT(self->writer);
    Py_VISIT(self->store);
    Py_VISIT(self->lend);
    Py_VISIT(self->plain);
    Py_VISIT(self->load);
    return 0;
}

static int access_clear(Access *self)
{
    Py_CLEAR(self->cell);
    Py_CLEAR(self->execution);
    Py_CLEAR(self->readers);
    Py_CLEAR(self->writers);
    Py_CLEAR(self->reader);
    Py_CLEAR(self->writer);
    Py_CLEAR(self->store);
    Py_CLEAR(self->lend);
    Py_CLEAR(self->plain);
    Py_CLEAR(self->load);
    return 0;
}

static void access_dealloc(Access *self)
{
    PyObject_GC_UnTrack(self);
    access_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *get_cell(Access *self, void *unused)
{
    return Py_NewRef(self->cell != NULL ? (PyObject *)self->cell : Py_None);
}

static PyObject *get_execution(Access *self, void *unused)
{
    return Py_NewRef(self->execution != NULL ? (PyObject *)self->execution : Py_None);
}

/* What they are is checked here, once, and not at every access. */
static int set_cell(Access *self, PyObject *value, void *unused)
{
    if (value == NULL || !Py_IS_TYPE(value, &cell_type)) {
        PyErr_SetString(PyExc_TypeError, "_cell: expected a Cell");
        return -1;
    }
    Py_XSETREF(self->cell, (Cell *)Py_NewRef(value));
    return 0;
}

static int set_execution(Access *self, PyObject *value, void *unused)
{
    if (value == NULL || !PyObject_TypeCheck(value, &running_type)) {
        PyErr_SetString(PyExc_TypeError, "_execution: expected the state of a worker");
        return -1;
    }
    Py_XSETREF(self->execution, (Running *)Py_NewRef(value));
    return 0;
}

static PyObject *refuse(Access *self, const char *verb, PyObject *allowed)
{
    PyObject *returned = PyObject_CallMethod((PyObject *)self, "_refuse", "sO", verb, allowed);
    if (returned != NULL) {
        Py_DECREF(returned);
        PyErr_SetString(PyExc_SystemError, "_refuse returned");
    }
    return NULL;
}

static int is_bound(Access *self)
{
    if (self->cell != NULL && self->execution != NULL && self->load != NULL && self->readers != NULL &&
        self->writers != NULL && self->store != NULL && self->lend != NULL)
        return 1;
    PyErr_SetString(PyExc_AttributeError, "this port was never attached to a cell");
    return 0;
}

/* Whether the running reaction is `one` or among `all`: 0 with an error set if it is not. */
static int may(Access *self, PyObject *one, PyObject *all, const char *verb)
{
    if (!is_bound(self))
        return 0;
    PyObject *reaction = self->execution->reaction;
    if (reaction == one && one != NULL)
        return 1;
    int found = reaction == NULL ? 0 : PySet_Contains(all, reaction);
    if (found == 0)
        refuse(self, verb, all);
    return found > 0;
}

static PyObject *get_present(Access *self, void *unused)
{
    if (!may(self, self->reader, self->readers, "reads"))
        return NULL;
    return PyBool_FromLong(self->cell->present == Py_True);
}

static PyObject *get_value(Access *self, void *unused)
{
    if (!may(self, self->reader, self->readers, "reads"))
        return NULL;
    if (self->cell->present != Py_True || self->load != Py_None || self->cell->value == NULL)
        return PyObject_CallMethod((PyObject *)self, "_unusual_value", NULL);
    return Py_NewRef(self->cell->value);
}

static PyObject *access_empty(Access *self, PyObject *unused)
{
    if (!may(self, self->writer, self->writers, "sets"))
        return NULL;
    if (self->lend == Py_None)
        return PyObject_CallMethod((PyObject *)self, "_fail_to_lend", NULL);
    PyObject *lend = Py_NewRef(self->lend), *value = PyObject_CallNoArgs(lend);
    Py_DECREF(lend);
    return value;
}

static PyObject *fail_to_store(Access *self)
{
    PyObject *type, *error, *traceback;
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return NULL;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL)
        PyException_SetTraceback(error, traceback);
    PyObject *returned = PyObject_CallMethod((PyObject *)self, "_fail_to_store", "O", error);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    if (returned != NULL) {
        Py_DECREF(returned);
        PyErr_SetString(PyExc_SystemError, "_fail_to_store returned");
    }
    return NULL;
}

static PyObject *access_set(Access *self, PyObject *value)
{
    if (!may(self, self->writer, self->writers, "sets"))
        return NULL;
    PyObject *stored;
    if ((PyObject *)Py_TYPE(value) == self->plain)
        stored = Py_NewRef(value);
    else {
        PyObject *store = Py_NewRef(self->store);
        stored = PyObject_CallOneArg(store, value);
        Py_DECREF(store);
    }
    if (stored == NULL)
        return fail_to_store(self);
    Py_XSETREF(self->cell->value, stored);
    if (becomes_present(self->cell, self->execution) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyMemberDef access_members[] = {
    {"_readers", T_OBJECT_EX, offsetof(Access, readers), 0, NULL},
    {"_writers", T_OBJECT_EX, offsetof(Access, writers), 0, NULL},
    {"_reader", T_OBJECT_EX, offsetof(Access, reader), 0, NULL},
    {"_writer", T_OBJECT_EX, offsetof(Access, writer), 0, NULL},
    {"_store", T_OBJECT_EX, offsetof(Access, store), 0, NULL},
    {"_lend", T_OBJECT_EX, offsetof(Access, lend), 0, NULL},
    {"_plain", T_OBJECT_EX, offsetof(Access, plain), 0, NULL},
    {"_load", T_OBJECT_EX, offsetof(Access, load), 0, NULL},
    {NULL},
};

static PyGetSetDef access_properties[] = {
    {"_cell", (getter)get_cell, (setter)set_cell, NULL, NULL},
    {"_execution", (getter)get_execution, (setter)set_execution, NULL, NULL},
    {"present", (getter)get_present, NULL, "Whether the port carries a (new) value at this tag.", NULL},
    {"value", (getter)get_value, NULL,
     "The value at this tag; of a held input the last one. Raises AbsentError when there is none.", NULL},
    {NULL},
};

static PyMethodDef access_methods[] = {
    {"set", (PyCFunction)access_set, METH_O,
     "Give a value away; the last one set at a tag counts. Raises SpecError if it does not fit the spec."},
    {"empty", (PyCFunction)access_empty, METH_NOARGS,
     "A writable value in the memory of the edge itself: fill it in place, then `set` it."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, NULL},
    {NULL},
};

static PyTypeObject access_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.access.Access",
    .tp_basicsize = sizeof(Access),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "The part of a port that reactions use.",
    .tp_new = access_new,
    .tp_dealloc = (destructor)access_dealloc,
    .tp_traverse = (traverseproc)access_traverse,
    .tp_clear = (inquiry)access_clear,
    .tp_members = access_members,
    .tp_getset = access_properties,
    .tp_methods = access_methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.access", NULL, -1, NULL};

PyMODINIT_FUNC PyInit_access(void)
{
    PyObject *tag = PyImport_ImportModule("rlreactor.tag");
    tag_type = tag == NULL ? NULL : PyObject_GetAttrString(tag, "Tag");
    Py_XDECREF(tag);
    PyObject *made = tag_type == NULL ? NULL : PyModule_Create(&module);
    if (made == NULL)
        return NULL;
    never = PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type);
    if (never == NULL || PyModule_AddObjectRef(made, "NEVER", never) < 0 || PyModule_AddType(made, &cell_type) < 0 ||
        PyModule_AddType(made, &running_type) < 0 || PyModule_AddType(made, &access_type) < 0) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}
