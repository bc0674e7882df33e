/* The structure of gathering.c, for what else is written in C and adds bytes. */

#ifndef RLREACTOR_GATHERING_H
#define RLREACTOR_GATHERING_H

#include "../numbers.h"
#include "points.h"

#define PAIR 0x92 /* what comes before one */
#define LONGEST_TAG (1 + 2 * LONGEST_NUMBER)
#define LONGEST_HEAD 5 /* of a text */

typedef struct {
    PyObject_HEAD
    unsigned char *bytes;
    Py_ssize_t used, size;
} Gathering;

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
    *place++ = PAIR;
    place = write_number(write_number(place, (uint64_t)tag.time), (uint64_t)tag.microstep);
    gathering->used = place - gathering->bytes;
    return 0;
}

/* The digits of a number that has more than 64 bits. */
static inline int gather_digits(Gathering *gathering, PyObject *number)
{
    Py_ssize_t length;
    PyObject *text = PyObject_Str(number);
    const char *digits = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, &length);
    int fits = digits != NULL && has_room(gathering, LONGEST_HEAD + length);
    if (fits) {
        unsigned char *place = gathering->bytes + gathering->used;
        int power = length <= UINT8_MAX ? 0 : length <= UINT16_MAX ? 1 : 2;
        place = length < 32 ? write_bits(place, 0xA0 + (int)length, 0, 0)
                            : write_bits(place, 0xD9 + power, (uint64_t)length, 1 << power);
        memcpy(place, digits, length);
        gathering->used = place + length - gathering->bytes;
    }
    Py_XDECREF(text);
    return fits ? 0 : -1;
}

static inline int gather_number(Gathering *gathering, PyObject *given)
{
    if (!has_room(gathering, LONGEST_NUMBER))
        return -1;
    unsigned char *end = write_plain(gathering->bytes + gathering->used, given);
    if (end != NULL) {
        gathering->used = end - gathering->bytes;
        return 0;
    }
    if (PyLong_CheckExact(given))
        return gather_digits(gathering, given);
    PyErr_Format(PyExc_TypeError, "expected a tag or a number, received %R", given);
    return -1;
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
