/* The structure of lent.c, for what else is written in C and uses memory again. */

#ifndef RLREACTOR_LENT_H
#define RLREACTOR_LENT_H

#define PY_SSIZE_T_CLEAN
#ifndef NPY_TARGET_VERSION
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#endif
#include <Python.h>
#include <numpy/ndarraytypes.h>

typedef struct {
    PyObject_HEAD
    PyObject *value;
    PyObject *memory;
    PyObject *arrays;   /* a tuple of arrays */
    PyObject *watched;  /* a tuple of all that somebody could hold, without the arrays */
    Py_ssize_t unheld;
} Lent;

static inline Py_ssize_t references(PyObject *tuple)
{
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++)
        count += Py_REFCNT(PyTuple_GET_ITEM(tuple, i));
    return count;
}

static inline int is_held(const Lent *lent)
{
    return references(lent->watched) + references(lent->arrays) != lent->unheld;
}

static inline void thaw(Lent *lent)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(lent->arrays); i++)
        PyArray_ENABLEFLAGS((PyArrayObject *)PyTuple_GET_ITEM(lent->arrays, i), NPY_ARRAY_WRITEABLE);
}

static inline void freeze(Lent *lent)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(lent->arrays); i++)
        PyArray_CLEARFLAGS((PyArrayObject *)PyTuple_GET_ITEM(lent->arrays, i), NPY_ARRAY_WRITEABLE);
}

#endif
