/* The value of an outlet as an entry of a notice, for post.c. */

#ifndef RLREACTOR_PARCEL_H
#define RLREACTOR_PARCEL_H

#include "../access.h"
#include "../links/slot_lender.h"
#include "../links/wire.h"
#include "../numbers.h"
#include "../scheduler/outflow.h"

static PyTypeObject *cell_type, *lender_type, *slots_type;
static PyObject *name_encode, *name_sent, *name_spec;

/* An entry, and what holds its bytes until it is copied. */
typedef struct {
    WireEntry entry;
    unsigned char number[LONGEST_NUMBER];
    Py_buffer view;
    PyObject *whole; /* the same as bytes, once the long way needs them */
} Parcel;

static int pack_slot(Parcel *parcel, uint32_t index, PyObject *slots)
{
    if (PyObject_TypeCheck(slots, slots_type) && ((SlotLender *)slots)->current >= 0) {
        parcel->entry = entry_of_slot(index, (int32_t)sent_slot((SlotLender *)slots));
        return 0;
    }
    PyObject *sent = PyObject_CallMethodNoArgs(slots, name_sent);
    parcel->entry = entry_of_slot(index, sent == NULL ? -1 : (int32_t)PyLong_AsLong(sent));
    Py_XDECREF(sent);
    return PyErr_Occurred() ? -1 : 0;
}

/* Takes the reference to `payload`. */
static int pack_bytes(Parcel *parcel, uint32_t index, PyObject *payload)
{
    int failed = payload == NULL ? -1 : PyObject_GetBuffer(payload, &parcel->view, PyBUF_CONTIG_RO);
    Py_XDECREF(payload);
    if (failed < 0 || is_too_long(parcel->view.len))
        return -1;
    parcel->entry = entry_of_bytes(index, parcel->view.buf, parcel->view.len);
    return 0;
}

/* A value that has no fixed size. */
static int pack_encoded(Parcel *parcel, uint32_t index, const Outflow *outlet)
{
    if (outlet->cell == NULL || !Py_IS_TYPE(outlet->cell, cell_type)) {
        PyErr_SetString(PyExc_TypeError, "expected an outlet with a cell");
        return -1;
    }
    PyObject *value = ((Cell *)outlet->cell)->value;
    unsigned char *end = write_plain(parcel->number, value);
    if (end != NULL) { /* that is how its spec would write it */
        parcel->entry = entry_of_bytes(index, parcel->number, end - parcel->number);
        return 0;
    }
    PyObject *spec = PyObject_GetAttr((PyObject *)outlet, name_spec);
    PyObject *payload = spec == NULL ? NULL : PyObject_CallMethodOneArg(spec, name_encode, value);
    Py_XDECREF(spec);
    return pack_bytes(parcel, index, payload);
}

static int pack(Parcel *parcel, const Outflow *outlet)
{
    uint32_t index = (uint32_t)outlet->index;
    if (outlet->slots != NULL && outlet->slots != Py_None)
        return pack_slot(parcel, index, outlet->slots);
    return outlet->lies_in_memory ? pack_bytes(parcel, index, stored_of_outflow(outlet, lender_type))
                                  : pack_encoded(parcel, index, outlet);
}

/* The entry as bytes, made once for all workers: borrowed; NULL with an error set. */
static PyObject *whole_of(Parcel *parcel)
{
    if (parcel->whole == NULL)
        parcel->whole = bytes_of_entry(&parcel->entry);
    return parcel->whole;
}

static void empty(Parcel *parcel)
{
    PyBuffer_Release(&parcel->view);
    Py_CLEAR(parcel->whole);
}

#endif
