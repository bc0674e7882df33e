/* One step of each of several environments: stepping.py, which says what all this means, in C. */

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <numpy/arrayobject.h>
#include <string.h>
#include <structmember.h>

#define PARTS 5 /* of what a step returns */
#define TERMINATED 1
#define TRUNCATED 2
#define NEVER INT64_MAX

static PyObject *name_before_reset, *name_checked;
static PyObject *for_step, *for_reset; /* for whom an observation is checked */
static PyObject *seed_keyword;

typedef struct {
    PyObject_HEAD
    PyObject *steps, *resets; /* lists of as many */
    int64_t *cuts;            /* the step at which each episode is cut */
    int64_t now, limit;       /* steps made; of an episode */
    char as_numbers, tells_resets;
} Stepping;

static Py_ssize_t count_of(const Stepping *self)
{
    return PyList_GET_SIZE(self->steps);
}

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

/* The observation as an array of a row's shape: a new reference. */
static PyObject *checked(Stepping *self, PyArrayObject *rows, PyObject *observation, PyObject *whose)
{
    if (is_of_row_shape(rows, observation))
        return Py_NewRef(observation);
    PyObject *args[] = {(PyObject *)self, observation, whose};
    PyObject *array = PyObject_VectorcallMethod(name_checked, args, 3, NULL);
    if (array == NULL || is_of_row_shape(rows, array))
        return array;
    PyErr_Format(PyExc_TypeError, "_checked: expected an array of a row's shape, received %R", array);
    Py_DECREF(array);
    return NULL;
}

/* How an episode ends with this step: bits, 0 where it goes on, -1 with an error set. */
static int ending(const Stepping *self, Py_ssize_t i, PyObject *terminated, PyObject *truncated)
{
    int is_terminated = PyObject_IsTrue(terminated), is_truncated = PyObject_IsTrue(truncated);
    if (is_terminated < 0 || is_truncated < 0)
        return -1;
    return is_terminated * TERMINATED | (is_truncated || self->cuts[i] == self->now) * TRUNCATED;
}

/* Keep a copy of the last observation: the environment may use its memory again. */
static int add_last(PyObject **final, Py_ssize_t i, PyObject *observation)
{
    if (*final == NULL && (*final = PyDict_New()) == NULL)
        return -1;
    PyObject *index = PyLong_FromSsize_t(i);
    PyObject *copy = index == NULL ? NULL : PyArray_NewCopy((PyArrayObject *)observation, NPY_CORDER);
    int failed = copy == NULL ? -1 : PyDict_SetItem(*final, index, copy);
    Py_XDECREF(index);
    Py_XDECREF(copy);
    return failed;
}

static int take(Stepping *self, Py_ssize_t i, PyObject *parts, PyObject *const *to, PyObject **final)
{
    PyArrayObject *rows = (PyArrayObject *)to[0];
    if (write_reward((PyArrayObject *)to[1], i, PyTuple_GET_ITEM(parts, 1)) < 0)
        return -1;
    int over = ending(self, i, PyTuple_GET_ITEM(parts, 2), PyTuple_GET_ITEM(parts, 3));
    PyObject *observation = over < 0 ? NULL : checked(self, rows, PyTuple_GET_ITEM(parts, 0), for_step);
    if (observation == NULL)
        return -1;
    *(npy_uint8 *)PyArray_GETPTR1((PyArrayObject *)to[2], i) = (npy_uint8)over;
    int failed = over ? add_last(final, i, observation) : write_row(rows, i, observation);
    Py_DECREF(observation);
    return failed;
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

static int step_one(Stepping *self, Py_ssize_t i, PyObject *action, PyObject *const *to, PyObject **final)
{
    PyObject *returned = action == NULL ? NULL : PyObject_CallOneArg(PyList_GET_ITEM(self->steps, i), action);
    PyObject *parts = returned == NULL ? NULL : parts_of(returned);
    int failed = parts == NULL ? -1 : take(self, i, parts, to, final);
    Py_XDECREF(returned);
    Py_XDECREF(parts);
    return failed;
}

static void cut_after(Stepping *self, Py_ssize_t i, int64_t left)
{
    self->cuts[i] = left == NEVER ? NEVER : self->now + left;
}

/* Begin the next episode. */
static int reset(Stepping *self, PyObject *index, PyArrayObject *rows)
{
    Py_ssize_t i = PyLong_AsSsize_t(index);
    PyObject *whose[] = {(PyObject *)self, index}, *seed[] = {Py_None};
    if (self->tells_resets) {
        PyObject *told = PyObject_VectorcallMethod(name_before_reset, whose, 2, NULL);
        Py_XDECREF(told);
        if (told == NULL)
            return -1;
    }
    PyObject *returned = PyObject_Vectorcall(PyList_GET_ITEM(self->resets, i), seed, 0, seed_keyword);
    PyObject *shown = returned == NULL ? NULL : PySequence_GetItem(returned, 0);
    PyObject *observation = shown == NULL ? NULL : checked(self, rows, shown, for_reset);
    int failed = observation == NULL ? -1 : write_row(rows, i, observation);
    cut_after(self, i, self->limit);
    Py_XDECREF(returned);
    Py_XDECREF(shown);
    Py_XDECREF(observation);
    return failed;
}

/* Begin the next episode wherever one ended. */
static int reset_each(Stepping *self, PyObject *final, PyArrayObject *rows)
{
    PyObject *index, *last;
    Py_ssize_t at = 0;
    while (final != NULL && PyDict_Next(final, &at, &index, &last))
        if (reset(self, index, rows) < 0)
            return -1;
    return 0;
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

static int step_each(Stepping *self, PyObject *actions, Py_ssize_t first, PyObject *const *to, PyObject **final)
{
    for (Py_ssize_t i = 0; i < count_of(self); i++) {
        PyObject *action = action_at(self, actions, first + i);
        int failed = step_one(self, i, action, to, final);
        Py_XDECREF(action);
        if (failed)
            return -1;
    }
    return 0;
}

static PyObject *step_rows(Stepping *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 5) {
        PyErr_SetString(PyExc_TypeError, "step_rows() takes actions, the first row, observations, rewards and ended");
        return NULL;
    }
    PyObject *const *to = args + 2;
    Py_ssize_t first = PyLong_AsSsize_t(args[1]);
    if (PyErr_Occurred() || !are_usable(to, count_of(self)))
        return NULL;
    if (first < 0) {
        PyErr_Format(PyExc_ValueError, "expected the first row of actions, received %zd", first);
        return NULL;
    }
    self->now++;
    PyObject *final = NULL;
    if (step_each(self, args[0], first, to, &final) < 0 || reset_each(self, final, (PyArrayObject *)to[0]) < 0) {
        Py_XDECREF(final);
        return NULL;
    }
    return final != NULL ? final : PyDict_New();
}

static PyObject *stepping_cut(Stepping *self, PyObject *const *args, Py_ssize_t count)
{
    Py_ssize_t i = count == 2 ? PyLong_AsSsize_t(args[0]) : -1;
    int64_t left = count == 2 && args[1] != Py_None ? PyLong_AsLongLong(args[1]) : NEVER;
    if (!PyErr_Occurred() && (i < 0 || i >= count_of(self)))
        PyErr_Format(PyExc_IndexError, "_cut() takes one of %zd environments and the steps left", count_of(self));
    if (PyErr_Occurred())
        return NULL;
    cut_after(self, i, left);
    Py_RETURN_NONE;
}

/* Stepping */

static PyObject *stepping_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    Stepping *self = (Stepping *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->steps = PyList_New(0);
    self->resets = PyList_New(0);
    if (self->steps == NULL || self->resets == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

/* Takes both references. */
static int begin(Stepping *self, PyObject *steps, PyObject *resets, int64_t limit, int as_numbers)
{
    Py_ssize_t count = PyList_GET_SIZE(steps);
    int64_t *cuts = PyMem_Calloc(count + 1, sizeof(int64_t));
    if (cuts == NULL || PyList_GET_SIZE(resets) != count) {
        if (cuts == NULL)
            PyErr_NoMemory();
        else
            PyErr_SetString(PyExc_ValueError, "expected as many resets as steps");
        PyMem_Free(cuts);
        Py_DECREF(steps);
        Py_DECREF(resets);
        return -1;
    }
    PyMem_Free(self->cuts);
    Py_XSETREF(self->steps, steps);
    Py_XSETREF(self->resets, resets);
    self->cuts = cuts;
    self->limit = limit;
    self->as_numbers = as_numbers;
    for (Py_ssize_t i = 0; i < count; i++)
        cuts[i] = NEVER;
    return 0;
}

static int stepping_init(Stepping *self, PyObject *args, PyObject *keywords)
{
    PyObject *given_steps, *given_resets, *given_limit;
    int as_numbers;
    if (!PyArg_ParseTuple(args, "OOOp:Stepping", &given_steps, &given_resets, &given_limit, &as_numbers))
        return -1;
    int64_t limit = given_limit == Py_None ? NEVER : PyLong_AsLongLong(given_limit);
    PyObject *steps = PyErr_Occurred() ? NULL : PySequence_List(given_steps);
    PyObject *resets = steps == NULL ? NULL : PySequence_List(given_resets);
    if (resets == NULL) {
        Py_XDECREF(steps);
        return -1;
    }
    return begin(self, steps, resets, limit, as_numbers);
}

static int stepping_traverse(Stepping *self, visitproc visit, void *arg)
{
    Py_VISIT(self->steps);
    Py_VISIT(self->resets);
    return 0;
}

static int stepping_clear(Stepping *self)
{
    Py_CLEAR(self->steps);
    Py_CLEAR(self->resets);
    return 0;
}

static void stepping_dealloc(Stepping *self)
{
    PyObject_GC_UnTrack(self);
    stepping_clear(self);
    PyMem_Free(self->cuts);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *stepping_cannot(Stepping *self, PyObject *const *args, Py_ssize_t count)
{
    PyErr_SetString(PyExc_NotImplementedError, "a Stepping needs _checked and _before_reset");
    return NULL;
}

static PyMemberDef stepping_members[] = {
    {"_tells_resets", T_BOOL, offsetof(Stepping, tells_resets), 0, NULL},
    {NULL},
};

static PyMethodDef stepping_methods[] = {
    {"step_rows", (PyCFunction)(void (*)(void))step_rows, METH_FASTCALL, "Step each, and write what came of it."},
    {"_cut", (PyCFunction)(void (*)(void))stepping_cut, METH_FASTCALL, "An episode has so many steps left."},
    {"_checked", (PyCFunction)(void (*)(void))stepping_cannot, METH_FASTCALL, "An observation as an array."},
    {"_before_reset", (PyCFunction)(void (*)(void))stepping_cannot, METH_FASTCALL, "An episode is about to begin."},
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
    name_before_reset = PyUnicode_InternFromString("_before_reset");
    name_checked = PyUnicode_InternFromString("_checked");
    for_step = PyUnicode_InternFromString("step");
    for_reset = PyUnicode_InternFromString("reset");
    seed_keyword = Py_BuildValue("(s)", "seed");
    PyObject *made = PyErr_Occurred() ? NULL : PyModule_Create(&module);
    if (made != NULL && PyModule_AddType(made, &stepping_type) < 0)
        Py_CLEAR(made);
    return made;
}
