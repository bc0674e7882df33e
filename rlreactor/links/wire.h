/* Entries of the wire format, for what else is written in C and writes notices; wire.py says what they mean. */

#ifndef RLREACTOR_WIRE_H
#define RLREACTOR_WIRE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the wire is little-endian; what stands in wire.py turns the bytes round"
#endif

#define NOTICE 24 /* bytes of a head: time, microstep, rank: 8 bytes each */
#define ENTRY 8   /* port, then the slot, or -1 - n where n bytes follow: 4 bytes each */
#define LONGEST 0x7FFFFFFE

static PyObject *link_error;

typedef struct {
    uint32_t port;
    int32_t slot; /* or -1 - n where n bytes follow */
    const void *value;
    Py_ssize_t length;
} WireEntry;

/* Of a value that lies in a slot. */
static inline WireEntry entry_of_slot(uint32_t port, int32_t slot)
{
    return (WireEntry){port, slot, NULL, 0};
}

/* Of a value whose bytes go with it: at most LONGEST. */
static inline WireEntry entry_of_bytes(uint32_t port, const void *value, Py_ssize_t length)
{
    return (WireEntry){port, (int32_t)(-1 - length), value, length};
}

static inline int is_too_long(Py_ssize_t length)
{
    if (length > LONGEST)
        PyErr_Format(link_error, "a value of %zd bytes: a message takes %d; declare an Array, or send parts", length,
                     LONGEST);
    return length > LONGEST;
}

/* Bytes of an entry with a value of this length. */
static inline Py_ssize_t size_of_entry(Py_ssize_t length)
{
    return ENTRY + ((length + 7) & -8);
}

static inline void put_entry(char *place, const WireEntry *entry)
{
    memcpy(place, &entry->port, 4);
    memcpy(place + 4, &entry->slot, 4);
    if (entry->length)
        memcpy(place + ENTRY, entry->value, entry->length);
    memset(place + ENTRY + entry->length, 0, -entry->length & 7);
}

static inline PyObject *bytes_of_entry(const WireEntry *entry)
{
    PyObject *made = PyBytes_FromStringAndSize(NULL, size_of_entry(entry->length));
    if (made != NULL)
        put_entry(PyBytes_AS_STRING(made), entry);
    return made;
}

#endif
