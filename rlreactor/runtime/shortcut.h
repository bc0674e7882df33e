/* The short way between two workers that share memory: what its two ends, post.c and arrivals.c, have in common.
 *
 * A notice is written straight into the ring and read straight from it (`ring.py`, `wire.py`), its values go straight
 * into cells, and nothing is made that is not kept.
 */

#ifndef RLREACTOR_SHORTCUT_H
#define RLREACTOR_SHORTCUT_H

#include "../links/wire.h"
#include "../links/words.h"
#include "../scheduler/horizon.h"
#include "../types.h"
#include <string.h>

/* As in ring.py. */
#define TAIL 0
#define HEAD (CACHE_LINE / WORD)
#define DATA (2 * CACHE_LINE / WORD)
#define WHOLE 1
#define SKIP 3
/* As in board.py. */
#define GENERATIONS 4

static PyTypeObject *words_type;
static PyObject *name_ring;

/* Numbers in lists. */

static inline int64_t number_in(PyObject *list, Py_ssize_t index)
{
    int64_t number;
    PyObject *item = PyList_GET_ITEM(list, index);
    return is_small(item, &number) ? number : PyLong_AsLongLong(item);
}

static inline int put_number(PyObject *list, Py_ssize_t index, int64_t number)
{
    PyObject *value = PyLong_FromLongLong(number);
    return value == NULL ? -1 : PyList_SetItem(list, index, value);
}

static inline int is_list_for(PyObject *list, Py_ssize_t worker)
{
    if (PyList_Check(list) && worker >= 0 && worker < PyList_GET_SIZE(list))
        return 1;
    PyErr_Format(PyExc_TypeError, "expected a list with an item for worker %zd, received %R", worker, list);
    return 0;
}

static inline int ring_bell(PyObject *bell)
{
    PyObject *done = PyObject_CallMethodNoArgs(bell, name_ring);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* The words of a pair of workers, as in shared_words.py. */

typedef struct {
    Words *incoming, *outgoing, *news, *version, *statuses, *gone, *wanted, *asleep, *waits, *sent;
} Pair;

#define PAIR 10

static inline int words_of(PyObject *given, Words **members, Py_ssize_t count)
{
    if (!PyTuple_Check(given) || PyTuple_GET_SIZE(given) != count) {
        PyErr_Format(PyExc_TypeError, "expected %zd words, received %R", count, given);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *words = PyTuple_GET_ITEM(given, i);
        if (!Py_IS_TYPE(words, words_type)) {
            PyErr_Format(PyExc_TypeError, "expected words, received %R", words);
            return -1;
        }
        members[i] = (Words *)Py_NewRef(words);
    }
    return 0;
}

static inline int pair_of(PyObject *given, Pair *pair)
{
    if (words_of(given, (Words **)pair, PAIR) < 0)
        return -1;
    if (pair->incoming->count <= DATA || pair->outgoing->count <= DATA || pair->statuses->count % GENERATIONS) {
        PyErr_SetString(PyExc_ValueError, "shared words of an impossible size");
        return -1;
    }
    return 0;
}

static inline void clear_pair(Pair *pair)
{
    for (Py_ssize_t i = 0; i < PAIR; i++)
        Py_CLEAR(((Words **)pair)[i]);
}

static inline int64_t capacity_of(const Words *ring)
{
    return (ring->count - DATA) * WORD;
}

static inline char *bytes_at(Words *ring, int64_t at)
{
    return (char *)(ring->words + DATA) + at;
}

static inline int is_backlog(int64_t tail, int64_t head, int64_t capacity)
{
    return tail - head >= 0 && tail - head <= capacity && !((tail | head) % WORD) && head >= 0;
}

static inline int64_t record_of(int64_t length)
{
    return (length + WORD + WORD - 1) & -WORD;
}

static inline int has_shared_names(void)
{
    return (words_type = type_of("rlreactor.links.words", "Words", sizeof(Words))) != NULL &&
           (link_error = attribute_of("rlreactor.errors", "LinkError")) != NULL &&
           (name_ring = PyUnicode_InternFromString("ring_after_fence")) != NULL;
}

#endif
