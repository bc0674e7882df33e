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

/* The entry of a value that lies in a slot. */
static inline PyObject *slot_entry(uint32_t port, int32_t slot)
{
    char bytes[ENTRY];
    memcpy(bytes, &port, 4);
    memcpy(bytes + 4, &slot, 4);
    return PyBytes_FromStringAndSize(bytes, ENTRY);
}

/* The entry of a value whose bytes go with it. */
static inline PyObject *bytes_entry(uint32_t port, const void *value, Py_ssize_t length)
{
    Py_ssize_t padding = -length & 7;
    PyObject *made = PyBytes_FromStringAndSize(NULL, ENTRY + length + padding);
    if (made == NULL)
        return NULL;
    char *bytes = PyBytes_AS_STRING(made);
    int32_t number = (int32_t)(-1 - length);
    memcpy(bytes, &port, 4);
    memcpy(bytes + 4, &number, 4);
    memcpy(bytes + ENTRY, value, length);
    memset(bytes + ENTRY + length, 0, padding);
    return made;
}

/* The same; NULL with an error set for what has no bytes, or too many. */
static inline PyObject *value_entry(uint32_t port, PyObject *payload)
{
    Py_buffer value;
    if (PyObject_GetBuffer(payload, &value, PyBUF_CONTIG_RO) < 0)
        return NULL;
    PyObject *made = NULL;
    if (value.len <= LONGEST)
        made = bytes_entry(port, value.buf, value.len);
    else
        PyErr_Format(link_error, "a value of %zd bytes: a message takes %d; declare an Array, or send parts", value.len,
                     LONGEST);
    PyBuffer_Release(&value);
    return made;
}

#endif
