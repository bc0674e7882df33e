/* How a worker rests until anything may let it go on: rest.py says when. */

#include "rest.h"
#include "../links/words.h"
#include "../types.h"
#include "arrivals.h"
#include <errno.h>
#include <immintrin.h>
#include <poll.h>
#include <structmember.h>
#include <sys/eventfd.h>

#define LONGEST_MS 50 /* as in waiting.py */
#define OFTEN 1024    /* looks after which signals are looked at */

static PyTypeObject *arrivals_type, *words_type;
static ArrivalsCalls *arrivals_calls;

typedef struct {
    PyObject_HEAD
    PyObject *watched; /* a tuple of words */
    int64_t *noted;    /* what they were */
    Words *asleep;
    Arrivals *arrivals;
    int bell;
    long long looks, sleeps;
} Rest;

/* How many words are watched; -1 with an error set if anything else is. */
static Py_ssize_t size_of(PyObject *watched)
{
    Py_ssize_t size = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(watched); i++) {
        PyObject *words = PyTuple_GET_ITEM(watched, i);
        if (!Py_IS_TYPE(words, words_type)) {
            PyErr_Format(PyExc_TypeError, "expected words, received %R", words);
            return -1;
        }
        size += ((Words *)words)->count;
    }
    return size;
}

static PyObject *rest_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *watched, *asleep, *arrivals;
    int bell;
    long long looks;
    if (!PyArg_ParseTuple(args, "O!O!iO!L:Rest", &PyTuple_Type, &watched, words_type, &asleep, &bell, arrivals_type,
                          &arrivals, &looks))
        return NULL;
    Py_ssize_t size = size_of(watched);
    Rest *self = size < 0 ? NULL : (Rest *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->watched = Py_NewRef(watched);
    self->asleep = (Words *)Py_NewRef(asleep);
    self->arrivals = (Arrivals *)Py_NewRef(arrivals);
    self->bell = bell;
    self->looks = looks;
    self->noted = PyMem_Calloc(size + 1, sizeof(int64_t));
    if (self->noted == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static int rest_traverse(Rest *self, visitproc visit, void *arg)
{
    Py_VISIT(self->arrivals);
    return 0;
}

static int rest_clear(Rest *self)
{
    Py_CLEAR(self->watched);
    Py_CLEAR(self->asleep);
    Py_CLEAR(self->arrivals);
    return 0;
}

static void rest_dealloc(Rest *self)
{
    PyObject_GC_UnTrack(self);
    rest_clear(self);
    PyMem_Free(self->noted);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Note what the watched words are, or, with `compares`, whether any differs from what was noted. */
static int look_at_words(Rest *self, int compares)
{
    int64_t *noted = self->noted;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self->watched); i++) {
        const Words *words = (Words *)PyTuple_GET_ITEM(self->watched, i);
        for (Py_ssize_t j = 0; j < words->count; j++, noted++) {
            int64_t word = loaded(words, j);
            if (compares && word != *noted)
                return 1;
            *noted = word;
        }
    }
    return 0;
}

static void note(PyObject *rest)
{
    look_at_words((Rest *)rest, 0);
}

static int is_over(Rest *self)
{
    return arrivals_calls->has_come(self->arrivals) || look_at_words(self, 1);
}

static int look(Rest *self)
{
    for (long long left = self->looks; left > 0; left--) {
        if (is_over(self))
            return 1;
        if (left % OFTEN == 0 && PyErr_CheckSignals() < 0)
            return -1;
        _mm_pause();
    }
    return 0;
}

/* Wait for a ring. After a signal, too, somebody has to look again. */
static int await_ring(Rest *self)
{
    struct pollfd bell = {self->bell, POLLIN, 0};
    eventfd_t rings;
    int found;
    Py_BEGIN_ALLOW_THREADS
    found = poll(&bell, 1, LONGEST_MS);
    if (found > 0)
        eventfd_read(self->bell, &rings);
    Py_END_ALLOW_THREADS
    if (found >= 0)
        return found > 0;
    if (errno == EINTR)
        return PyErr_CheckSignals() < 0 ? -1 : 1;
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
}

/* As `Doorbell.wait`: who has stored news and rings after that finds the word, or this finds the news. */
static int sleep_until_rung(Rest *self)
{
    put_word(self->asleep, 0, -++self->sleeps); /* each in a new way, and in another than a `Doorbell` says it */
    full_fence();
    int found = is_over(self) ? 1 : await_ring(self);
    put_word(self->asleep, 0, 0);
    return found;
}

static int until_news(PyObject *rest)
{
    int found = look((Rest *)rest);
    return found ? found : sleep_until_rung((Rest *)rest);
}

static PyObject *rest_note(PyObject *self, PyObject *unused)
{
    note(self);
    Py_RETURN_NONE;
}

static PyObject *rest_until_news(PyObject *self, PyObject *unused)
{
    int found = until_news(self);
    return found < 0 ? NULL : PyBool_FromLong(found);
}

static PyMemberDef rest_members[] = {
    {"sleeps", T_LONGLONG, offsetof(Rest, sleeps), READONLY, NULL},
    {NULL},
};

static PyMethodDef rest_methods[] = {
    {"note", rest_note, METH_NOARGS, "What changes from now on ends the rest."},
    {"until_news", rest_until_news, METH_NOARGS, "Rest until anything has changed or come, or somebody rings."},
    {NULL},
};

static PyTypeObject rest_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.runtime.rest.Rest",
    .tp_basicsize = sizeof(Rest),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "Rests until there is news.",
    .tp_new = rest_new,
    .tp_dealloc = (destructor)rest_dealloc,
    .tp_traverse = (traverseproc)rest_traverse,
    .tp_clear = (inquiry)rest_clear,
    .tp_members = rest_members,
    .tp_methods = rest_methods,
};

static RestCalls calls = {note, until_news};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.runtime.rest", NULL, -1, NULL};

PyMODINIT_FUNC PyInit_rest(void)
{
    words_type = type_of("rlreactor.links.words", "Words", sizeof(Words));
    arrivals_type = type_of("rlreactor.runtime.arrivals", "Arrivals", sizeof(Arrivals));
    arrivals_calls = calls_of("rlreactor.runtime.arrivals", ARRIVALS_CALLS);
    if (words_type == NULL || arrivals_type == NULL || arrivals_calls == NULL)
        return NULL;
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && (PyModule_AddType(made, &rest_type) < 0 || add_calls(made, REST_CALLS, &calls) < 0))
        Py_CLEAR(made);
    return made;
}
