#include "engine/operations.h"

#define FACTS_OF(constant, name, ...) [constant] = {__VA_ARGS__},
const lse_operation_facts lse_operations[LSE_OPERATIONS] = {LSE_EACH_OPERATION(FACTS_OF)};

int lse_is_map(lse_operation operation) { return lse_operations[operation].is_map; }

#define NAME_OF(constant, name, ...) [constant] = name,
const char *lse_operation_name(lse_operation operation)
{
    static const char *const names[LSE_OPERATIONS] = {LSE_EACH_OPERATION(NAME_OF)};
    return names[operation];
}
