/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Commands that are given up and may end by themselves. */
#include "support/test.h"

#include "support/process.h"

/* A script that is ready when it has said so to its descriptor 3, and whose 4 has nothing to read and no end. */
struct patient {
    rondel_loop loop;
    rondel_future future;
    struct seen seen;
    int says[2], hears[2];
    char text[32];
};

static void begin_flagged(struct patient *patient, const char *script, int64_t grace, size_t limit, uint32_t flags) {
    struct command command;
    memset(patient, 0, sizeof *patient);
    patient->loop = rondel_loop_new();
    REQUIRE(pipe(patient->says) == 0 && pipe(patient->hears) == 0);
    command_of(&command, script);
    command.options.grace = grace;
    command.options.flags = flags;
    command_stdio(&command, 0, RONDEL_STDIO_NULL);
    command_stdio(&command, 1, RONDEL_STDIO_PIPE_OUT);
    command_stdio(&command, 2, RONDEL_STDIO_PIPE_OUT);
    command_stdio(&command, 3, RONDEL_STDIO_FD)->fd = patient->says[1];
    command_stdio(&command, 4, RONDEL_STDIO_FD)->fd = patient->hears[0];
    patient->future = rondel_process_run(patient->loop, &command.options, NULL, 0, limit, see, &patient->seen);
    REQUIRE(patient->future > 0);
    CHECK_EQ(rondel_retain(patient->future), 0);
    close(patient->says[1]), close(patient->hears[0]);
    CHECK(read(patient->says[0], patient->text, sizeof patient->text - 1) > 0);
}

static void begin(struct patient *patient, const char *script, int64_t grace, size_t limit) {
    begin_flagged(patient, script, grace, limit, 0);
}

/* What it said, once it is over. */
static const char *said(const struct patient *patient) {
    const uint8_t *bytes = (const uint8_t *)"(pending)";
    rondel_process_output(patient->future, 1, &bytes);
    return (const char *)bytes;
}

/* Nobody has the script's descriptors any more. */
static void gone(struct patient *patient) {
    char byte;
    CHECK_EQ(read(patient->says[0], &byte, 1), 0);
    close(patient->says[0]), close(patient->hears[1]);
}

static void end(struct patient *patient, int64_t result) {
    CHECK_EQ(rondel_run(patient->loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(patient->seen.calls, 1);
    CHECK_EQ(patient->seen.result, result);
    gone(patient);
}

static void end_and_free(struct patient *patient) {
    CHECK_EQ(rondel_release(patient->future), 0);
    free_childless(patient->loop);
}

/* A shell loses no signal while it is in `wait`; just before it `read`s it may. */
#define THEN_STAYS "exec >&- 2>&- 3>&-; read never <&4; } & wait"
static const char *const tidy = "trap 'echo bye; exit 3' TERM; { echo working; echo ready >&3; " THEN_STAYS;
static const char *const deaf = "trap '' TERM; echo ready >&3; exec sleep 1000";

TEST(one_that_ends_when_it_is_asked_is_not_killed_and_what_it_says_stays) {
    struct patient patient;
    begin(&patient, tidy, 1000 * RONDEL_SECOND, 0);
    CHECK_EQ(rondel_cancel(patient.future), 0);
    CHECK_EQ(patient.seen.calls, 0);
    end(&patient, RONDEL_ECANCELED);
    CHECK_STR(said(&patient), "working\nbye\n");
    end_and_free(&patient);
}

TEST(a_deadline_asks_too) {
    struct patient patient;
    begin(&patient, tidy, 1000 * RONDEL_SECOND, 0);
    CHECK_EQ(rondel_timeout(patient.future, 10 * RONDEL_MS), patient.future);
    end(&patient, RONDEL_ETIMEDOUT);
    CHECK_STR(said(&patient), "working\nbye\n");
    end_and_free(&patient);
}

TEST(one_that_does_not_listen_is_killed_when_its_time_is_over_and_not_before) {
    const int64_t grace = 60 * RONDEL_MS;
    struct patient patient;
    begin(&patient, deaf, grace, 0);
    int64_t asked = rondel_clock();
    CHECK_EQ(rondel_cancel(patient.future), 0);
    CHECK_EQ(patient.seen.calls, 0);
    end(&patient, RONDEL_ECANCELED);
    CHECK(rondel_clock() - asked >= grace);
    end_and_free(&patient);
}

TEST(to_ask_again_changes_nothing) {
    struct patient patient;
    begin(&patient, "trap '' TERM; echo ready >&3; read go <&4; echo bye", 1000 * RONDEL_SECOND, 0);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(rondel_cancel(patient.future), 0);
        CHECK_EQ(rondel_run(patient.loop, RONDEL_RUN_NOWAIT), 1);
    }
    CHECK_EQ(patient.seen.calls, 0);
    CHECK_EQ(write(patient.hears[1], "go\n", 3), 3);
    end(&patient, RONDEL_ECANCELED);
    CHECK_STR(said(&patient), "bye\n");
    end_and_free(&patient);
}

TEST(without_a_grace_it_is_killed_at_once) {
    struct patient patient;
    begin(&patient, tidy, 0, 0);
    CHECK_EQ(rondel_cancel(patient.future), 0);
    end(&patient, RONDEL_ECANCELED);
    CHECK(!strstr(said(&patient), "bye"));
    end_and_free(&patient);
}

TEST(the_end_of_the_loop_does_not_wait_for_the_grace) {
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        struct patient patient;
        begin(&patient, deaf, 1000 * RONDEL_SECOND, 0);
        if (cancelled) CHECK_EQ(rondel_cancel(patient.future), 0);
        CHECK_EQ(rondel_run(patient.loop, RONDEL_RUN_NOWAIT), 1);
        CHECK_EQ(patient.seen.calls, 0);
        CHECK_EQ(rondel_loop_free(patient.loop), 0);
        CHECK_EQ(patient.seen.calls, 1);
        CHECK_EQ(patient.seen.result, RONDEL_ECANCELED);
        gone(&patient);
        while (waitpid(-1, NULL, WNOHANG) == 0) sched_yield();
        no_children_left();
    }
}

TEST(too_much_output_asks_it_to_end_and_no_more_is_kept) {
    const char *const scripts[] = {"echo ready >&3; exec yes", "trap '' TERM; echo ready >&3; exec yes"};
    for (int i = 0; i < 2; i++) {
        struct patient patient;
        begin(&patient, scripts[i], i ? 30 * RONDEL_MS : 1000 * RONDEL_SECOND, 1000);
        end(&patient, RONDEL_EMSGSIZE);
        CHECK_EQ(strlen(said(&patient)), 1000);
        end_and_free(&patient);
    }
}

TEST(the_group_that_it_leads_is_asked_with_it) {
    struct patient patient;
    begin_flagged(&patient, "sleep 1000 & echo ready >&3; wait", 1000 * RONDEL_SECOND, 0, RONDEL_PROCESS_GROUP);
    CHECK_EQ(rondel_cancel(patient.future), 0);
    end(&patient, RONDEL_ECANCELED); /* the other one has the pipe, too */
    end_and_free(&patient);
}

/* The leader, which is asked too, ends at once. */
static void cancel_and_let_the_leader_end(struct patient *patient) {
    siginfo_t info;
    CHECK_EQ(rondel_cancel(patient->future), 0);
    CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
    for (int i = 0; i < 20; i++) CHECK_EQ(rondel_run(patient->loop, RONDEL_RUN_NOWAIT), 1);
}

TEST(the_rest_of_the_group_has_as_much_time_when_its_leader_has_ended) {
    struct patient patient;
    const char *script = "{ trap 'read go <&4; echo bye; exit' TERM;"
                         "{ echo ready >&3; exec sleep 1000 >&- 2>&- 3>&-; } & wait; } & exec >&- 2>&-; wait";
    begin_flagged(&patient, script, 1000 * RONDEL_SECOND, 0, RONDEL_PROCESS_GROUP);
    cancel_and_let_the_leader_end(&patient);
    CHECK_EQ(patient.seen.calls, 0);
    CHECK_EQ(write(patient.hears[1], "go\n", 3), 3);
    end(&patient, RONDEL_ECANCELED);
    CHECK_STR(said(&patient), "bye\n");
    end_and_free(&patient);
}

TEST(the_rest_of_the_group_is_killed_when_its_time_is_over) {
    struct patient patient;
    begin_flagged(&patient, "{ trap '' TERM; echo ready >&3; exec sleep 1000; } & wait", 60 * RONDEL_MS, 0, RONDEL_PROCESS_GROUP);
    CHECK_EQ(rondel_cancel(patient.future), 0);
    end(&patient, RONDEL_ECANCELED);
    end_and_free(&patient);
}

TEST(those_of_the_group_that_have_none_of_its_pipes_are_killed_too) {
    struct patient patient;
    begin_flagged(&patient, "{ trap '' TERM; echo ready >&3; exec sleep 1000 >&- 2>&-; } & wait", 1000 * RONDEL_SECOND, 0,
                  RONDEL_PROCESS_GROUP);
    CHECK_EQ(rondel_cancel(patient.future), 0);
    end(&patient, RONDEL_ECANCELED);
    end_and_free(&patient);
}

/* Else the pipe that it left to another would hold up the future. */
TEST(what_it_left_behind_is_not_waited_for) {
    struct patient patient;
    begin(&patient, "sleep 1000 3>&- & echo $! >&3; trap 'exit 1' TERM; { echo >&3; " THEN_STAYS, 1000 * RONDEL_SECOND, 0);
    while (!strchr(patient.text, '\n') || !strstr(patient.text, "\n\n")) {
        size_t length = strlen(patient.text);
        CHECK(read(patient.says[0], patient.text + length, sizeof patient.text - 1 - length) > 0);
    }
    CHECK_EQ(rondel_cancel(patient.future), 0);
    end(&patient, RONDEL_ECANCELED);
    CHECK_EQ(kill((pid_t)strtol(patient.text, NULL, 10), SIGKILL), 0);
    end_and_free(&patient);
}

TEST(a_time_that_makes_no_sense_is_refused) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct seen never = {0, 0, 0};
    command_of(&command, "true")->grace = -1;
    CHECK_EQ(rondel_process_run(loop, &command.options, NULL, 0, 0, see, &never), RONDEL_EINVAL);
    CHECK_EQ(rondel_process_spawn(loop, &command.options, see, &never), RONDEL_EINVAL);
    command.options.grace = INT64_MAX;
    CHECK_EQ(rondel_run_until(loop, rondel_process_run(loop, &command.options, NULL, 0, 0, RONDEL_FUTURE)), 0);
    CHECK_EQ(never.calls, 0);
    free_childless(loop);
}

TEST_MAIN(RUN(one_that_ends_when_it_is_asked_is_not_killed_and_what_it_says_stays), RUN(a_deadline_asks_too),
          RUN(one_that_does_not_listen_is_killed_when_its_time_is_over_and_not_before),
          RUN(to_ask_again_changes_nothing), RUN(without_a_grace_it_is_killed_at_once),
          RUN(the_end_of_the_loop_does_not_wait_for_the_grace),
          RUN(too_much_output_asks_it_to_end_and_no_more_is_kept), RUN(the_group_that_it_leads_is_asked_with_it),
          RUN(the_rest_of_the_group_has_as_much_time_when_its_leader_has_ended),
          RUN(the_rest_of_the_group_is_killed_when_its_time_is_over),
          RUN(those_of_the_group_that_have_none_of_its_pipes_are_killed_too),
          RUN(what_it_left_behind_is_not_waited_for), RUN(a_time_that_makes_no_sense_is_refused))
