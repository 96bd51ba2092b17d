/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Compiled as C99 and as C++11: the header stands alone, may be included twice, and its constants have the type and the
 * place in the preprocessor that they need.
 */
#include <rondel.h>
#include <rondel.h>

#if RONDEL_VERSION_MAJOR < 0 || RONDEL_VERSION_MINOR < 0 || RONDEL_VERSION_PATCH < 0
#error "the version is not a number to the preprocessor"
#endif
#if RONDEL_EOF != -4097 || RONDEL_SECOND != 1000000000
#error "constants are not numbers to the preprocessor"
#endif

/* As an int this would overflow, which a compiler refuses in a constant. */
typedef char a_product_with_a_unit_is_64_bits[5 * RONDEL_SECOND == 5000000000 / 1 ? 1 : -1];
typedef char a_code_is_64_bits[sizeof RONDEL_EOF == sizeof(int64_t) ? 1 : -1];
typedef char a_handle_is_64_bits[sizeof(rondel_handle) == 8 && (rondel_handle)-1 < 0 ? 1 : -1];

static void on_result(rondel_handle source, int64_t result, void *user_data) {
    (void)source, (void)result, (void)user_data;
}

int main(void) {
    rondel_fn fn = on_result;
    const char *version = RONDEL_VERSION;
    rondel_loop loop = rondel_loop_new();
    rondel_future future = rondel_call_soon(loop, RONDEL_FUTURE);
    return fn == 0 || version == 0 || future < 0;
}
