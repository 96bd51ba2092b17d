/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Error codes: their numbers, names and messages. */
#include "support/test.h"

#define CODE(name, number) {name, number, #name},

/* Every code of the header, with the number it has on every platform. */
static const struct {
    int64_t code;
    int64_t number;
    const char *name;
} codes[] = {
    CODE(RONDEL_EPERM, -1)
    CODE(RONDEL_ENOENT, -2)
    CODE(RONDEL_ESRCH, -3)
    CODE(RONDEL_EINTR, -4)
    CODE(RONDEL_EIO, -5)
    CODE(RONDEL_ENXIO, -6)
    CODE(RONDEL_E2BIG, -7)
    CODE(RONDEL_EBADF, -9)
    CODE(RONDEL_ECHILD, -10)
    CODE(RONDEL_EAGAIN, -11)
    CODE(RONDEL_ENOMEM, -12)
    CODE(RONDEL_EACCES, -13)
    CODE(RONDEL_EFAULT, -14)
    CODE(RONDEL_EBUSY, -16)
    CODE(RONDEL_EEXIST, -17)
    CODE(RONDEL_EXDEV, -18)
    CODE(RONDEL_ENODEV, -19)
    CODE(RONDEL_ENOTDIR, -20)
    CODE(RONDEL_EISDIR, -21)
    CODE(RONDEL_EINVAL, -22)
    CODE(RONDEL_ENFILE, -23)
    CODE(RONDEL_EMFILE, -24)
    CODE(RONDEL_ENOTTY, -25)
    CODE(RONDEL_ETXTBSY, -26)
    CODE(RONDEL_EFBIG, -27)
    CODE(RONDEL_ENOSPC, -28)
    CODE(RONDEL_ESPIPE, -29)
    CODE(RONDEL_EROFS, -30)
    CODE(RONDEL_EMLINK, -31)
    CODE(RONDEL_EPIPE, -32)
    CODE(RONDEL_EDOM, -33)
    CODE(RONDEL_ERANGE, -34)
    CODE(RONDEL_EDEADLK, -35)
    CODE(RONDEL_ENAMETOOLONG, -36)
    CODE(RONDEL_ENOSYS, -38)
    CODE(RONDEL_ENOTEMPTY, -39)
    CODE(RONDEL_ELOOP, -40)
    CODE(RONDEL_EPROTO, -71)
    CODE(RONDEL_EOVERFLOW, -75)
    CODE(RONDEL_EILSEQ, -84)
    CODE(RONDEL_ENOTSOCK, -88)
    CODE(RONDEL_EDESTADDRREQ, -89)
    CODE(RONDEL_EMSGSIZE, -90)
    CODE(RONDEL_EPROTOTYPE, -91)
    CODE(RONDEL_ENOPROTOOPT, -92)
    CODE(RONDEL_EPROTONOSUPPORT, -93)
    CODE(RONDEL_ESOCKTNOSUPPORT, -94)
    CODE(RONDEL_EOPNOTSUPP, -95)
    CODE(RONDEL_EAFNOSUPPORT, -97)
    CODE(RONDEL_EADDRINUSE, -98)
    CODE(RONDEL_EADDRNOTAVAIL, -99)
    CODE(RONDEL_ENETDOWN, -100)
    CODE(RONDEL_ENETUNREACH, -101)
    CODE(RONDEL_ENETRESET, -102)
    CODE(RONDEL_ECONNABORTED, -103)
    CODE(RONDEL_ECONNRESET, -104)
    CODE(RONDEL_ENOBUFS, -105)
    CODE(RONDEL_EISCONN, -106)
    CODE(RONDEL_ENOTCONN, -107)
    CODE(RONDEL_ESHUTDOWN, -108)
    CODE(RONDEL_ETIMEDOUT, -110)
    CODE(RONDEL_ECONNREFUSED, -111)
    CODE(RONDEL_EHOSTDOWN, -112)
    CODE(RONDEL_EHOSTUNREACH, -113)
    CODE(RONDEL_EALREADY, -114)
    CODE(RONDEL_EINPROGRESS, -115)
    CODE(RONDEL_ESTALE, -116)
    CODE(RONDEL_EDQUOT, -122)
    CODE(RONDEL_ECANCELED, -125)
    CODE(RONDEL_EOWNERDEAD, -130)
    CODE(RONDEL_EOF, -4097)
    CODE(RONDEL_EGONE, -4098)
    CODE(RONDEL_EKIND, -4099)
    CODE(RONDEL_ETHREAD, -4100)
    CODE(RONDEL_ENOTASK, -4101)
    CODE(RONDEL_ESTATE, -4102)
    CODE(RONDEL_EUNKNOWN, -4103)
    CODE(RONDEL_EBROKEN, -4104)
    CODE(RONDEL_EAI_NONAME, -4202)
    CODE(RONDEL_EAI_AGAIN, -4203)
    CODE(RONDEL_EAI_FAIL, -4204)
    CODE(RONDEL_EAI_NODATA, -4205)
    CODE(RONDEL_EAI_FAMILY, -4206)
    CODE(RONDEL_EAI_SOCKTYPE, -4207)
    CODE(RONDEL_EAI_SERVICE, -4208)
    CODE(RONDEL_EAI_BADFLAGS, -4209)
    CODE(RONDEL_EAI_OVERFLOW, -4212)
};
#define CODES (sizeof codes / sizeof *codes)

TEST(codes_are_the_same_numbers_on_every_platform) {
    for (size_t i = 0; i < CODES; i++) CHECK_EQ(codes[i].code, codes[i].number);
}

TEST(every_code_has_its_name) {
    for (size_t i = 0; i < CODES; i++) CHECK_STR(rondel_error_name(codes[i].number), codes[i].name);
}

TEST(every_code_has_a_message_of_its_own) {
    const char *unknown = rondel_error_message(-4096);
    for (size_t i = 0; i < CODES; i++) {
        const char *message = rondel_error_message(codes[i].number);
        CHECK(message != NULL && message[0] != 0);
        CHECK(strcmp(message, unknown) != 0);
        for (size_t j = 0; j < i; j++)
            if (!strcmp(message, rondel_error_message(codes[j].number))) CHECK_STR(codes[i].name, codes[j].name);
    }
    CHECK_STR(rondel_error_message(RONDEL_ECONNREFUSED), "connection refused");
}

TEST(names_and_messages_are_never_null) {
    const int64_t others[] = {0, 1, INT64_MAX, INT64_MIN, -4096, -3999, -5000, -1000000};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        CHECK(rondel_error_name(others[i]) != NULL);
        CHECK(rondel_error_message(others[i]) != NULL);
    }
    for (int64_t code = -5000; code <= 10; code++) {
        if (!rondel_error_name(code)) CHECK_EQ(code, 0);
        if (!rondel_error_message(code)) CHECK_EQ(code, 0);
    }
}

TEST(what_is_no_error_is_named_so) {
    CHECK_STR(rondel_error_name(0), "RONDEL_OK");
    CHECK_STR(rondel_error_name(17), "RONDEL_OK");
    CHECK_STR(rondel_error_message(0), "no error");
    CHECK_STR(rondel_error_name(-4000), "RONDEL_EUNKNOWN");
}

TEST_MAIN(RUN(codes_are_the_same_numbers_on_every_platform), RUN(every_code_has_its_name),
          RUN(every_code_has_a_message_of_its_own), RUN(names_and_messages_are_never_null),
          RUN(what_is_no_error_is_named_so))
