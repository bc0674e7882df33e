/* The structure of packed_tags.c, for what else is written in C and adds tags. */

#ifndef RLREACTOR_PACKED_TAGS_H
#define RLREACTOR_PACKED_TAGS_H

#include "points.h"

#define LONGEST_TAG 19 /* bytes: the head of a pair, and two numbers of 9 */

typedef struct {
    PyObject_HEAD
    unsigned char *bytes;
    Py_ssize_t used, size;
    Py_ssize_t count; /* of tags */
} PackedTags;

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

static inline int has_room_for_tag(PackedTags *tags)
{
    if (tags->size - tags->used >= LONGEST_TAG)
        return 1;
    Py_ssize_t size = 2 * tags->size + 64 * LONGEST_TAG;
    unsigned char *bytes = PyMem_Realloc(tags->bytes, size);
    if (bytes == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    tags->bytes = bytes;
    tags->size = size;
    return 1;
}

static inline int pack_tag(PackedTags *tags, PyObject *given)
{
    Point tag;
    if (point_of(given, &tag) < 0 || !has_room_for_tag(tags))
        return -1;
    if (tag.time < 0 || tag.microstep < 0) {
        PyErr_Format(PyExc_ValueError, "expected numbers from 0 on, received %R", given);
        return -1;
    }
    unsigned char *place = tags->bytes + tags->used;
    *place++ = 0x92;
    place = write_number(write_number(place, (uint64_t)tag.time), (uint64_t)tag.microstep);
    tags->used = place - tags->bytes;
    tags->count++;
    return 0;
}

#endif
