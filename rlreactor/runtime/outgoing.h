/* The short way to one worker, for post.c: the next notice to it, and the ring that it is written into. */

#ifndef RLREACTOR_OUTGOING_H
#define RLREACTOR_OUTGOING_H

#include "shortcut.h"

typedef struct {
    PyObject_HEAD
    Pair pair;
    Py_ssize_t worker;
    int64_t longest; /* bytes of a notice */
    char *notice;    /* the next one: room for the longest */
    int64_t length;  /* of it; 0: there is none */
    char owes_ring;
    int64_t head; /* how far the reader was when that was last looked at: the line of that word is the reader's */
    PyObject *bell, *sent_at;
} Outgoing;

static PyObject *outgoing_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *words, *bell, *sent_at;
    Py_ssize_t worker;
    if (!PyArg_ParseTuple(args, "OnOO:Outgoing", &words, &worker, &bell, &sent_at) || !is_list_for(sent_at, worker))
        return NULL;
    Outgoing *self = (Outgoing *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->worker = worker;
    self->bell = Py_NewRef(bell);
    self->sent_at = Py_NewRef(sent_at);
    if (pair_of(words, &self->pair) < 0)
        Py_CLEAR(self);
    else
        self->longest = (capacity_of(self->pair.outgoing) / 4 - WORD) & -WORD;
    if (self != NULL && (self->notice = PyMem_Malloc(self->longest)) == NULL) {
        PyErr_NoMemory();
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static void outgoing_dealloc(Outgoing *self)
{
    clear_pair(&self->pair);
    PyMem_Free(self->notice);
    Py_CLEAR(self->bell);
    Py_CLEAR(self->sent_at);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Add an entry to the next notice; whether it has room for that. */
static int takes_entry(Outgoing *self, const WireEntry *entry)
{
    int64_t length = self->length ? self->length : NOTICE, size = size_of_entry(entry->length);
    if (length + size > self->longest)
        return 0;
    put_entry(self->notice + length, entry);
    self->length = length + size;
    return 1;
}

/* Whether so many bytes more fit into the ring behind `tail`. */
static int has_room(Outgoing *self, int64_t tail, int64_t need)
{
    int64_t capacity = capacity_of(self->pair.outgoing);
    if (is_backlog(tail, self->head, capacity) && tail + need - self->head <= capacity)
        return 1;
    self->head = loaded(self->pair.outgoing, HEAD);
    return is_backlog(tail, self->head, capacity) && tail + need - self->head <= capacity;
}

/* Where a record of this many bytes goes, and how many bytes are skipped before it; -1 if there is no room. */
static int64_t place_for(Outgoing *self, int64_t need, int64_t tail, int64_t *skipped)
{
    int64_t capacity = capacity_of(self->pair.outgoing), at = tail % capacity;
    *skipped = at + need > capacity ? capacity - at : 0;
    if (!has_room(self, tail, *skipped + need))
        return -1;
    return *skipped ? 0 : at;
}

static void write_notice(Outgoing *self, int64_t at, const Triple *head)
{
    Words *ring = self->pair.outgoing;
    put_word(ring, DATA + at / WORD, (int64_t)WHOLE << 32 | self->length);
    memcpy(self->notice, head, NOTICE);
    memcpy(bytes_at(ring, at) + WORD, self->notice, self->length);
}

/* Write the next notice, unless the worker is gone. 0, with nothing done, if it has to go the long way. */
static int send_notice(Outgoing *self, Triple head)
{
    Pair *pair = &self->pair;
    int64_t skipped, tail = loaded(pair->outgoing, TAIL), need = record_of(self->length);
    if (loaded(pair->gone, 0))
        return 1;
    int64_t at = place_for(self, need, tail, &skipped);
    if (at < 0)
        return 0;
    /* Counted before it can be seen, so that it is never in nobody's count. */
    put_word(pair->sent, 0, loaded(pair->sent, 0) + 1);
    if (put_number(self->sent_at, self->worker, loaded(pair->version, 0)) < 0)
        return -1;
    if (skipped)
        put_word(pair->outgoing, DATA + tail % capacity_of(pair->outgoing) / WORD, (int64_t)SKIP << 32 | skipped);
    write_notice(self, at, &head);
    put_word(pair->outgoing, TAIL, tail + skipped + need);
    return 1;
}

/* Leave an entry to the long way. */
static int leave(PyObject *unsent, PyObject *worker, PyObject *entry)
{
    PyObject *entries = PyDict_GetItemWithError(unsent, worker);
    if (entries != NULL)
        return PyList_Append(entries, entry);
    if (PyErr_Occurred() || (entries = PyList_New(1)) == NULL)
        return -1;
    PyList_SET_ITEM(entries, 0, Py_NewRef(entry));
    int failed = PyDict_SetItem(unsent, worker, entries);
    Py_DECREF(entries);
    return failed;
}

/* Leave the next notice to the long way, entry by entry. */
static int leave_notice(Outgoing *self, PyObject *unsent)
{
    PyObject *worker = PyLong_FromSsize_t(self->worker);
    int64_t at = self->length ? NOTICE : 0;
    int failed = worker == NULL;
    while (!failed && at < self->length) {
        int32_t slot;
        memcpy(&slot, self->notice + at + 4, 4);
        int64_t size = size_of_entry(slot < 0 ? -1 - (int64_t)slot : 0);
        PyObject *entry = PyBytes_FromStringAndSize(self->notice + at, size);
        failed = entry == NULL || leave(unsent, worker, entry) < 0;
        Py_XDECREF(entry);
        at += size;
    }
    self->length = 0;
    Py_XDECREF(worker);
    return failed ? -1 : 0;
}

static PyTypeObject outgoing_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rlreactor.runtime.post.Outgoing",
    .tp_basicsize = sizeof(Outgoing),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "The short way to one worker.",
    .tp_new = outgoing_new,
    .tp_dealloc = (destructor)outgoing_dealloc,
};

#endif
