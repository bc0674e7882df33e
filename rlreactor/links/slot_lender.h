/* The structure of slot_lender.c, for what else is written in C and sends slots on. */

#ifndef RLREACTOR_SLOT_LENDER_H
#define RLREACTOR_SLOT_LENDER_H

#include "../lender.h"
#include <stdint.h>

typedef struct {
    Lender lender;      /* of the slots */
    PyObject *released; /* a tuple of words: how many slots each reader has finished with */
    long long taken;    /* slots, since the start */
    int64_t most;       /* may be taken as far as is known */
    Py_ssize_t current; /* the slot of this tag's value until it is sent, or -1 */
    char is_given;      /* this tag's value lies in it already */
} SlotLender;

/* The slot whose number goes to the readers now; -1 if there is none. */
static inline Py_ssize_t sent_slot(SlotLender *self)
{
    Py_ssize_t slot = self->current;
    self->current = -1;
    self->is_given = 0;
    return slot;
}

#endif
