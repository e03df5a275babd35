/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory. Allocation does not return NULL: a process that cannot have the little memory it asks for prints one line and
 * ends with status 8. Both programs are short-lived and every file they write is put in place whole, so nothing is lost
 * by that, and no function carries an error path that no test would ever take.
 *
 * Owning locals clean themselves up (USH_AUTO...); ownership moves on one visible line (ush_steal).
 */
#ifndef USH_BASE_MEMORY_H
#define USH_BASE_MEMORY_H

#include <stddef.h>
#include <stdlib.h>

void *ush_alloc(size_t size);               /* zeroed */
void *ush_resize(void *old, size_t size);   /* as realloc */
char *ush_strdup(const char *s);            /* NULL gives NULL */
char *ush_strndup(const char *s, size_t length);
char *ush_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Overwrites with zeros so that the compiler cannot leave it out, then frees. NULL is fine. */
void ush_wipe_free(void *data, size_t size);

#define ush_new(type) ((type *)ush_alloc(sizeof(type)))

/* Appends to a counted array `type *array; size_t count;`; grows by doubling. */
#define USH_PUSH(array, count, value)                                                                                  \
	do {                                                                                                           \
		if (((count) & ((count)-1)) == 0)                                                                      \
			(array) = ush_resize((array), ((count) == 0 ? 1 : 2 * (count)) * sizeof *(array));             \
		(array)[(count)++] = (value);                                                                          \
	} while (0)

/* Moves ownership out of a variable: `return ush_steal(&list);` */
#define ush_steal(pointer)                                                                                             \
	__extension__({                                                                                                \
		__typeof__(*(pointer)) ush_stolen = *(pointer);                                                        \
		*(pointer) = NULL;                                                                                     \
		ush_stolen;                                                                                            \
	})

static inline void ush_free_indirect(void *pointer)
{
	free(*(void **)pointer);
}

#define USH_AUTO_FREE __attribute__((cleanup(ush_free_indirect)))

#define USH_COUNT(array) (sizeof(array) / sizeof(array)[0])

#endif
