/* What modules in C take from each other when they are imported: types, whose structures stand in headers. */

#ifndef RLREACTOR_TYPES_H
#define RLREACTOR_TYPES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* A type of another module in C, whose objects are as long as ours knows them; NULL with an error set. */
static inline PyTypeObject *type_of(const char *from, const char *name, Py_ssize_t size)
{
    PyObject *found = PyImport_ImportModule(from), *type = found == NULL ? NULL : PyObject_GetAttrString(found, name);
    Py_XDECREF(found);
    if (type != NULL && (!PyType_Check(type) || ((PyTypeObject *)type)->tp_basicsize != size)) {
        PyErr_Format(PyExc_ImportError, "%s.%s is not compiled, or not from the same sources: compile all again", from,
                     name);
        Py_CLEAR(type);
    }
    return (PyTypeObject *)type;
}

static inline PyObject *attribute_of(const char *from, const char *name)
{
    PyObject *found = PyImport_ImportModule(from);
    PyObject *attribute = found == NULL ? NULL : PyObject_GetAttrString(found, name);
    Py_XDECREF(found);
    return attribute;
}

/* Let other modules in C call this one's functions: a structure of them, of that name. */
static inline int add_calls(PyObject *module, const char *name, void *calls)
{
    PyObject *capsule = PyCapsule_New(calls, name, NULL);
    int failed = capsule == NULL || PyModule_AddObjectRef(module, "calls", capsule) < 0;
    Py_XDECREF(capsule);
    return failed ? -1 : 0;
}

/* Those of another module, which live as long as it does; NULL with an error set. */
static inline void *calls_of(const char *from, const char *name)
{
    PyObject *capsule = attribute_of(from, "calls");
    void *calls = capsule == NULL ? NULL : PyCapsule_GetPointer(capsule, name);
    Py_XDECREF(capsule);
    return calls;
}

/* A string that is looked up often, and where it is kept. */
typedef struct {
    PyObject **name;
    const char *text;
} Name;

static inline int has_names(const Name *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((*names[i].name = PyUnicode_InternFromString(names[i].text)) == NULL)
            return 0;
    return 1;
}

#endif
