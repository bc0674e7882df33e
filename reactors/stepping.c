/* One step of each of several environments: stepping.py, which says what all this means, in C. */

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <numpy/arrayobject.h>
#include <string.h>
#include <structmember.h>

#define PARTS 5          /* of what a step returns */
#define NO_CUT INT64_MAX /* no step is the last one of an episode whatever happens */

static PyObject *name_ended;

typedef struct {
    PyObject_HEAD
    PyObject *steps; /* a list */
    int64_t now, next_cut;
    char as_numbers;
} Stepping;

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
        char *place = PyArray_BYTES(rows) + i * PyArray_STRIDE(rows, 0);
        if (place != PyArray_BYTES(row)) /* it may have been written there in the first place */
            memmove(place, PyArray_BYTES(row), PyArray_NBYTES(row));
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

/* Adds to a list, which is made when there is anything to add. */
static int add_unusual(PyObject **unusual, Py_ssize_t i, PyObject *parts)
{
    if (*unusual == NULL && (*unusual = PyList_New(0)) == NULL)
        return -1;
    PyObject *found = Py_BuildValue("nOOO", i, PyTuple_GET_ITEM(parts, 0), PyTuple_GET_ITEM(parts, 2),
                                    PyTuple_GET_ITEM(parts, 3));
    int failed = found == NULL || PyList_Append(*unusual, found) < 0;
    Py_XDECREF(found);
    return failed ? -1 : 0;
}

static int take(Py_ssize_t i, PyObject *parts, PyArrayObject *rows, PyArrayObject *rewards, PyObject **unusual)
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
static PyObject *action_at(const Stepping *self, PyObject *actions, Py_ssize_t i)
{
    PyArrayObject *array = (PyArrayObject *)actions;
    if (!self->as_numbers || !PyArray_Check(actions) || PyArray_NDIM(array) != 1 || i >= PyArray_DIM(array, 0))
        return PySequence_GetItem(actions, i);
    char *place = PyArray_GETPTR1(array, i);
    if (PyArray_TYPE(array) == NPY_INT64 && PyArray_ISALIGNED(array) && PyArray_ISNOTSWAPPED(array))
        return PyLong_FromLongLong(*(npy_int64 *)place);
    return PyArray_GETITEM(array, place);
}

static int step_one(PyObject *step, PyObject *action, Py_ssize_t i, PyObject *const *to, PyObject **unusual)
{
    PyObject *returned = action == NULL ? NULL : PyObject_CallOneArg(step, action);
    PyObject *parts = returned == NULL ? NULL : parts_of(returned);
    int failed = parts == NULL || take(i, parts, (PyArrayObject *)to[0], (PyArrayObject *)to[1], unusual) < 0;
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

/* Step each; what is unusual is in a list, if there is any. */
static int step_each(Stepping *self, PyObject *actions, Py_ssize_t first, PyObject *const *to, PyObject **unusual)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(self->steps); i++) {
        PyObject *action = action_at(self, actions, first + i);
        int failed = step_one(PyList_GET_ITEM(self->steps, i), action, i, to, unusual);
        Py_XDECREF(action);
        if (failed)
            return -1;
    }
    return 0;
}

static PyObject *ended(Stepping *self, PyObject *unusual, PyObject *const *to)
{
    if (unusual == NULL && self->now != self->next_cut)
        return PyDict_New();
    if (unusual == NULL && (unusual = PyList_New(0)) == NULL)
        return NULL;
    PyObject *args[] = {(PyObject *)self, unusual, to[0], to[2]};
    PyObject *final = PyObject_VectorcallMethod(name_ended, args, 4, NULL);
    Py_DECREF(unusual);
    return final;
}

static PyObject *step_rows(Stepping *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 5) {
        PyErr_SetString(PyExc_TypeError, "step_rows() takes actions, the first row, observations, rewards and ended");
        return NULL;
    }
    PyObject *unusual = NULL;
    PyObject *const *to = args + 2;
    Py_ssize_t first = PyLong_AsSsize_t(args[1]);
    if (PyErr_Occurred() || !are_usable(to, PyList_GET_SIZE(self->steps)))
        return NULL;
    if (first < 0) {
        PyErr_Format(PyExc_ValueError, "expected the first row of actions, received %zd", first);
        return NULL;
    }
    self->now++;
    memset(PyArray_DATA((PyArrayObject *)to[2]), 0, PyArray_NBYTES((PyArrayObject *)to[2]));
    if (step_each(self, args[0], first, to, &unusual) < 0) {
        Py_XDECREF(unusual);
        return NULL;
    }
    return ended(self, unusual, to);
}

/* Stepping */

static PyObject *stepping_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    Stepping *self = (Stepping *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->next_cut = NO_CUT;
    if ((self->steps = PyList_New(0)) == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int stepping_init(Stepping *self, PyObject *args, PyObject *keywords)
{
    PyObject *given;
    int as_numbers;
    if (!PyArg_ParseTuple(args, "Op:Stepping", &given, &as_numbers))
        return -1;
    PyObject *steps = PySequence_List(given);
    if (steps == NULL)
        return -1;
    Py_XSETREF(self->steps, steps);
    self->as_numbers = as_numbers;
    return 0;
}

static int stepping_traverse(Stepping *self, visitproc visit, void *arg)
{
    Py_VISIT(self->steps);
    return 0;
}

static int stepping_clear(Stepping *self)
{
    Py_CLEAR(self->steps);
    return 0;
}

static void stepping_dealloc(Stepping *self)
{
    PyObject_GC_UnTrack(self);
    stepping_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *stepping_cannot(Stepping *self, PyObject *const *args, Py_ssize_t count)
{
    PyErr_SetString(PyExc_NotImplementedError, "a Stepping needs _ended");
    return NULL;
}

static PyMemberDef stepping_members[] = {
    {"_now", T_LONGLONG, offsetof(Stepping, now), READONLY, NULL},
    {"_next_cut", T_LONGLONG, offsetof(Stepping, next_cut), 0, NULL},
    {NULL},
};

static PyMethodDef stepping_methods[] = {
    {"step_rows", (PyCFunction)(void (*)(void))step_rows, METH_FASTCALL, "Step each, and write what came of it."},
    {"_ended", (PyCFunction)(void (*)(void))stepping_cannot, METH_FASTCALL, "What is left to do of an unusual step."},
    {NULL},
};

static PyTypeObject stepping_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.reactors.stepping.Stepping",
    .tp_basicsize = sizeof(Stepping),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "Steps each of several environments in the shortest way.",
    .tp_new = stepping_new,
    .tp_init = (initproc)stepping_init,
    .tp_dealloc = (destructor)stepping_dealloc,
    .tp_traverse = (traverseproc)stepping_traverse,
    .tp_clear = (inquiry)stepping_clear,
    .tp_members = stepping_members,
    .tp_methods = stepping_methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.reactors.stepping", NULL, -1, NULL};

PyMODINIT_FUNC PyInit_stepping(void)
{
    import_array();
    name_ended = PyUnicode_InternFromString("_ended");
    PyObject *made = name_ended == NULL ? NULL : PyModule_Create(&module), *no_cut = PyLong_FromLongLong(NO_CUT);
    if (made != NULL && (PyModule_AddType(made, &stepping_type) < 0 || no_cut == NULL ||
                         PyModule_AddObjectRef(made, "NO_CUT", no_cut) < 0))
        Py_CLEAR(made);
    Py_XDECREF(no_cut);
    return made;
}
