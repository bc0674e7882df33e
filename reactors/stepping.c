/* One step of each of several environments: stepping.py, which says what all this means, in C. */

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <numpy/arrayobject.h>
#include <string.h>

#define PARTS 5 /* of what a step returns */

/* Whether rows of bytes can be copied into it. */
static int is_plain(PyArrayObject *array)
{
    return PyArray_ISCARRAY(array) && !PyDataType_REFCHK(PyArray_DESCR(array));
}

static int is_vector_of(PyObject *array, int type)
{
    return PyArray_Check(array) && PyArray_TYPE((PyArrayObject *)array) == type &&
           PyArray_NDIM((PyArrayObject *)array) == 1 && is_plain((PyArrayObject *)array);
}

static int is_of_row_shape(PyArrayObject *rows, PyObject *observation)
{
    if (!PyArray_Check(observation))
        return 0;
    int count = PyArray_NDIM(rows) - 1;
    PyArrayObject *row = (PyArrayObject *)observation;
    return PyArray_NDIM(row) == count && PyArray_CompareLists(PyArray_DIMS(row), PyArray_DIMS(rows) + 1, count);
}

static int write_row(PyArrayObject *rows, Py_ssize_t i, PyObject *observation)
{
    PyArrayObject *row = (PyArrayObject *)observation;
    if (is_plain(rows) && PyArray_ISCARRAY_RO(row) && PyArray_EquivTypes(PyArray_DESCR(rows), PyArray_DESCR(row))) {
        memmove(PyArray_BYTES(rows) + i * PyArray_STRIDE(rows, 0), PyArray_BYTES(row), PyArray_NBYTES(row));
        return 0;
    }
    return PySequence_SetItem((PyObject *)rows, i, observation);
}

static int write_reward(PyArrayObject *rewards, Py_ssize_t i, PyObject *reward)
{
    if (!PyFloat_Check(reward)) /* as numpy converts it */
        return PySequence_SetItem((PyObject *)rewards, i, reward);
    *(float *)PyArray_GETPTR1(rewards, i) = (float)PyFloat_AS_DOUBLE(reward);
    return 0;
}

/* What a step returned, as a tuple of five. */
static PyObject *parts_of(PyObject *returned)
{
    PyObject *parts = PySequence_Tuple(returned);
    if (parts != NULL && PyTuple_GET_SIZE(parts) != PARTS) {
        PyErr_Format(PyExc_ValueError, "a step returns %d things, received %zd", PARTS, PyTuple_GET_SIZE(parts));
        Py_CLEAR(parts);
    }
    return parts;
}

static int add_unusual(PyObject *unusual, Py_ssize_t i, PyObject *parts)
{
    PyObject *found = Py_BuildValue("nOOO", i, PyTuple_GET_ITEM(parts, 0), PyTuple_GET_ITEM(parts, 2),
                                    PyTuple_GET_ITEM(parts, 3));
    int failed = found == NULL || PyList_Append(unusual, found) < 0;
    Py_XDECREF(found);
    return failed ? -1 : 0;
}

static int take(Py_ssize_t i, PyObject *parts, PyArrayObject *rows, PyArrayObject *rewards, PyObject *unusual)
{
    if (write_reward(rewards, i, PyTuple_GET_ITEM(parts, 1)) < 0)
        return -1;
    int is_over = PyObject_IsTrue(PyTuple_GET_ITEM(parts, 2));
    if (is_over == 0)
        is_over = PyObject_IsTrue(PyTuple_GET_ITEM(parts, 3));
    if (is_over < 0)
        return -1;
    PyObject *observation = PyTuple_GET_ITEM(parts, 0);
    if (is_over || !is_of_row_shape(rows, observation))
        return add_unusual(unusual, i, parts);
    return write_row(rows, i, observation);
}

/* An action as an environment takes it fastest: where a vector has them, a number of Python's. */
static PyObject *action_at(PyObject *actions, Py_ssize_t i)
{
    PyArrayObject *array = (PyArrayObject *)actions;
    if (!PyArray_Check(actions) || PyArray_NDIM(array) != 1 || i >= PyArray_DIM(array, 0))
        return PySequence_GetItem(actions, i);
    char *place = PyArray_GETPTR1(array, i);
    if (PyArray_TYPE(array) == NPY_INT64 && PyArray_ISALIGNED(array) && PyArray_ISNOTSWAPPED(array))
        return PyLong_FromLongLong(*(npy_int64 *)place);
    return PyArray_GETITEM(array, place);
}

static int step_one(Py_ssize_t i, PyObject *step, PyObject *actions, PyObject *const *to, PyObject *unusual)
{
    PyObject *action = action_at(actions, i);
    PyObject *returned = action == NULL ? NULL : PyObject_CallOneArg(step, action);
    PyObject *parts = returned == NULL ? NULL : parts_of(returned);
    int failed = parts == NULL || take(i, parts, (PyArrayObject *)to[0], (PyArrayObject *)to[1], unusual) < 0;
    Py_XDECREF(action);
    Py_XDECREF(returned);
    Py_XDECREF(parts);
    return failed ? -1 : 0;
}

static int are_usable(PyObject *const *to, Py_ssize_t count)
{
    if (PyArray_Check(to[0]) && PyArray_NDIM((PyArrayObject *)to[0]) > 0 && is_vector_of(to[1], NPY_FLOAT32) &&
        is_vector_of(to[2], NPY_UINT8) && PyArray_DIM((PyArrayObject *)to[0], 0) >= count &&
        PyArray_DIM((PyArrayObject *)to[1], 0) >= count && PyArray_DIM((PyArrayObject *)to[2], 0) >= count)
        return 1;
    PyErr_Format(PyExc_TypeError,
                 "expected arrays for observations, rewards (float32) and endings (uint8) of %zd steps", count);
    return 0;
}

static PyObject *step_each(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 5) {
        PyErr_SetString(PyExc_TypeError, "step_each() takes steps, actions, observations, rewards and ended");
        return NULL;
    }
    PyObject *steps = PySequence_Fast(args[0], "expected the steps of environments");
    PyObject *unusual = steps == NULL || !are_usable(args + 2, PySequence_Fast_GET_SIZE(steps)) ? NULL : PyList_New(0);
    if (unusual != NULL)
        memset(PyArray_DATA((PyArrayObject *)args[4]), 0, PyArray_NBYTES((PyArrayObject *)args[4]));
    for (Py_ssize_t i = 0; unusual != NULL && i < PySequence_Fast_GET_SIZE(steps); i++)
        if (step_one(i, PySequence_Fast_GET_ITEM(steps, i), args[1], args + 2, unusual) < 0)
            Py_CLEAR(unusual);
    Py_XDECREF(steps);
    return unusual;
}

static PyMethodDef functions[] = {
    {"step_each", (PyCFunction)(void (*)(void))step_each, METH_FASTCALL, "Step each, and write what came of it."},
    {NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.reactors.stepping", NULL, -1, functions};

PyMODINIT_FUNC PyInit_stepping(void)
{
    import_array();
    return PyModule_Create(&module);
}
