/* Prints the bytes of a state with weights and without in hexadecimal digits, after they were read and written. */
#include <lse/lse.h>
#include <stdio.h>

int main(void)
{
    const double x[] = {0.5, -3.25, 700, 1e-3, 699.75}, b[] = {2, -1, 0.125, 3, -0.5};
    lse_state state, copy;
    unsigned char bytes[LSE_STATE_BYTES];
    size_t size;
    if (lse_state_init(&state) || lse_state_update_f64(&state, x, 1, NULL, 0, 5)) return 1;
    if (lse_state_update_f64(&state, x, 1, b, 1, 5) || lse_state_to_bytes(&state, bytes, &size)) return 2;
    if (lse_state_from_bytes(&copy, bytes, size) || lse_state_to_bytes(&copy, bytes, &size)) return 3;
    for (size_t i = 0; i < size; i++) printf("%02x", bytes[i]);
    return 0;
}
