/* Memory for a call that moves many elements. */
#ifndef LSE_MEMORY_H
#define LSE_MEMORY_H

#include <stddef.h>

/* As malloc, but what is large is asked for in large pages, where the system gives these to who asks: it costs a fault
 * for each page before it is first written to, and places all over it need fewer entries of the tables of pages. */
void *lse_large_memory(size_t bytes);

#endif
