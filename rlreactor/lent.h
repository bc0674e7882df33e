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
#include <string.h>

#define LONG_COPY (1 << 16) /* bytes from which other threads may run meanwhile */

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

/* The array that the value is; NULL if it is none. */
static inline PyArrayObject *own_array(const Lent *lent)
{
    int is_array = PyTuple_GET_SIZE(lent->arrays) == 1 && PyTuple_GET_ITEM(lent->arrays, 0) == lent->value;
    return is_array ? (PyArrayObject *)lent->value : NULL;
}

/* Whether it lies in memory like our own: the same type, dtype and shape. */
static inline int is_like(PyObject *given, PyArrayObject *own)
{
    PyArrayObject *array = (PyArrayObject *)given;
    if (Py_TYPE(given) != Py_TYPE((PyObject *)own) || PyArray_DESCR(array) != PyArray_DESCR(own) ||
        PyArray_NDIM(array) != PyArray_NDIM(own) || !PyArray_ISCARRAY_RO(array))
        return 0;
    return !memcmp(PyArray_DIMS(array), PyArray_DIMS(own), PyArray_NDIM(own) * sizeof(npy_intp));
}

static inline void copy_bytes(char *to, const char *from, npy_intp count)
{
    if (count < LONG_COPY) {
        memmove(to, from, count);
        return;
    }
    Py_BEGIN_ALLOW_THREADS
    memmove(to, from, count);
    Py_END_ALLOW_THREADS
}

static inline int copies(Lent *lent, PyObject *given)
{
    PyArrayObject *own = own_array(lent), *array = (PyArrayObject *)given;
    if (own == NULL || !is_like(given, own))
        return 0;
    npy_intp count = PyArray_DESCR(own)->elsize;
    for (int i = 0; i < PyArray_NDIM(own); i++)
        count *= PyArray_DIM(own, i);
    copy_bytes(PyArray_BYTES(own), PyArray_BYTES(array), count);
    PyArray_CLEARFLAGS(array, NPY_ARRAY_WRITEABLE);
    return 1;
}

#endif
