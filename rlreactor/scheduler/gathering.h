/* The structure of gathering.c, for what else is written in C and adds bytes. */

#ifndef RLREACTOR_GATHERING_H
#define RLREACTOR_GATHERING_H

#include "points.h"
#include <string.h>

#define LONGEST_TAG 19 /* bytes: the head of a pair, and two numbers of 9 */

typedef struct {
    PyObject_HEAD
    unsigned char *bytes;
    Py_ssize_t used, size;
} Gathering;

/* Write a number as msgpack does: its kind, then its bytes from the highest on. */
static inline unsigned char *write_number(unsigned char *place, uint64_t number)
{
    if (number < 0x80) {
        *place = (unsigned char)number;
        return place + 1;
    }
    int width = number <= 0xFF ? 0 : number <= 0xFFFF ? 1 : number <= 0xFFFFFFFF ? 2 : 3;
    *place++ = (unsigned char)(0xCC + width);
    for (int shift = (8 << width) - 8; shift >= 0; shift -= 8)
        *place++ = (unsigned char)(number >> shift);
    return place;
}

static inline int has_room(Gathering *gathering, Py_ssize_t length)
{
    if (gathering->size - gathering->used >= length)
        return 1;
    Py_ssize_t size = 2 * gathering->size + length + 1024;
    unsigned char *bytes = PyMem_Realloc(gathering->bytes, size);
    if (bytes == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    gathering->bytes = bytes;
    gathering->size = size;
    return 1;
}

static inline int gather_tag(Gathering *gathering, PyObject *given)
{
    Point tag;
    if (point_of(given, &tag) < 0 || !has_room(gathering, LONGEST_TAG))
        return -1;
    if (tag.time < 0 || tag.microstep < 0) {
        PyErr_Format(PyExc_ValueError, "expected numbers from 0 on, received %R", given);
        return -1;
    }
    unsigned char *place = gathering->bytes + gathering->used;
    *place++ = 0x92;
    place = write_number(write_number(place, (uint64_t)tag.time), (uint64_t)tag.microstep);
    gathering->used = place - gathering->bytes;
    return 0;
}

static inline int gather_bytes(Gathering *gathering, PyObject *data)
{
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_CONTIG_RO) < 0)
        return -1;
    int fits = has_room(gathering, view.len);
    if (fits) {
        memcpy(gathering->bytes + gathering->used, view.buf, view.len);
        gathering->used += view.len;
    }
    PyBuffer_Release(&view);
    return fits ? 0 : -1;
}

#endif
