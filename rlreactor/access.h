/* The structures of access.c, for what else is written in C and gives cells their values. */

#ifndef RLREACTOR_ACCESS_H
#define RLREACTOR_ACCESS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

typedef struct {
    PyObject_HEAD
    PyObject *value;
    PyObject *present; /* True or False: an object, which the interpreter reads without a call */
    PyObject *ranks;
    PyObject *outlet;
} Cell;

typedef struct {
    PyObject_HEAD
    PyObject *reaction;
    PyObject *present; /* a list of cells */
    PyObject *tag;
} Running;

/* Make the cell present. */
static inline int becomes_present(Cell *cell, Running *running)
{
    if (cell->present == Py_True)
        return 0;
    Py_XSETREF(cell->present, Py_NewRef(Py_True));
    return PyList_Append(running->present, (PyObject *)cell);
}

/* Make `value` present at the current tag. */
static inline int assign(Cell *cell, PyObject *value, Running *running)
{
    Py_XSETREF(cell->value, Py_NewRef(value));
    return becomes_present(cell, running);
}

#endif
