/* The structure of words.c, for what else is written in C and shares memory. */

#ifndef RLREACTOR_WORDS_H
#define RLREACTOR_WORDS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#ifndef __x86_64__
#error "words rely on the memory order of x86-64; what stands in words.py says so when it runs"
#endif

#define WORD 8
#define CACHE_LINE 64

typedef struct {
    PyObject_HEAD
    Py_buffer view;    /* of the mapping; view.obj is NULL in a part */
    PyObject *whole;   /* of which this is a part, or NULL */
    int64_t *words;
    Py_ssize_t count;
    int read_only;
} Words;

static inline int64_t loaded(const Words *words, Py_ssize_t index)
{
    return __atomic_load_n(words->words + index, __ATOMIC_ACQUIRE);
}

static inline void put_word(Words *words, Py_ssize_t index, int64_t value)
{
    __atomic_store_n(words->words + index, value, __ATOMIC_RELEASE);
}

static inline void full_fence(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif
