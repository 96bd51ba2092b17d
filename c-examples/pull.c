/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* No callback at all: the program asks the loop for what is done.
 *
 *     pull
 *
 * An operation started with rondel_enqueue in the place of a function leaves its completion in the loop's queue,
 * and rondel_next hands them out: whose, with what result, with which user_data. That suits languages which
 * cannot be called back, and programs that would rather have one `switch`. Here a client and a server, both in this
 * program, play five rounds of echo. */
#include <rondel.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 5

/* user_data is ours to choose: here it says which step is done. */
enum step { ACCEPTED = 1, CONNECTED, SERVER_READ, SERVER_WROTE, CLIENT_READ, CLIENT_WROTE };
#define THEN(step) rondel_enqueue, (void *)(intptr_t)(step)

struct game {
    rondel_tcp listener, server, client;
    char question[32], heard[32], answer[32];
    int64_t length; /* of the question */
    int rounds;
    int over;
};

static int64_t ask(struct game *game) {
    game->length = snprintf(game->question, sizeof game->question, "round %d", ++game->rounds);
    return rondel_write(game->client, game->question, (size_t)game->length, THEN(CLIENT_WROTE));
}

/* Takes the next step; a code below zero ends the game. */
static int64_t play(struct game *game, enum step step, int64_t result) {
    switch (step) {
    case ACCEPTED:
        game->server = result; /* a failed accept needs no check of its own: reading from it is refused by its code */
        return rondel_read(game->server, game->heard, sizeof game->heard, THEN(SERVER_READ));
    case CONNECTED:
        game->client = result;
        return result < 0 ? result : ask(game);
    case CLIENT_WROTE:
        if (result < 0) return result;
        return rondel_read_exactly(game->client, game->answer, (size_t)game->length, THEN(CLIENT_READ));
    case SERVER_READ:
        if (result == RONDEL_EOF) { /* the client has had enough */
            game->over = 1;
            int64_t code = rondel_close(game->server);
            return code < 0 ? code : rondel_close(game->listener);
        }
        return result < 0 ? result : rondel_write(game->server, game->heard, (size_t)result, THEN(SERVER_WROTE));
    case SERVER_WROTE:
        if (result < 0) return result;
        return rondel_read(game->server, game->heard, sizeof game->heard, THEN(SERVER_READ));
    case CLIENT_READ:
        if (result < 0) return result;
        if (memcmp(game->answer, game->question, (size_t)game->length) != 0) return RONDEL_EPROTO;
        printf("%.*s came back\n", (int)game->length, game->answer);
        return game->rounds < ROUNDS ? ask(game) : rondel_close(game->client);
    }
    return RONDEL_EINVAL;
}

static int64_t pull(rondel_loop loop, struct game *game) {
    rondel_completion done[8];
    int64_t n;
    /* Without a time limit it answers 0 when nothing is left to wait for. */
    while ((n = rondel_next(loop, done, sizeof done / sizeof *done, RONDEL_FOREVER)) > 0) {
        for (int64_t i = 0; i < n; i++) {
            int64_t code = play(game, (enum step)(intptr_t)done[i].user_data, done[i].result);
            if (code < 0) return code;
        }
    }
    return n;
}

int main(void) {
    struct game game = {0};
    int port = 0;
    rondel_loop loop = rondel_loop_new();
    game.listener = rondel_tcp_listen(loop, "127.0.0.1", 0, NULL, NULL); /* no function: rondel_accept asks for each */
    int64_t code = rondel_local_addr(game.listener, NULL, 0, &port);
    if (code >= 0) code = rondel_accept(game.listener, THEN(ACCEPTED));
    if (code >= 0) code = rondel_tcp_connect(loop, "127.0.0.1", port, THEN(CONNECTED));
    if (code >= 0) code = pull(loop, &game);
    int64_t freed = rondel_loop_free(loop); /* closes what an error may have left open */
    if (code >= 0) code = freed;
    if (code >= 0 && (game.rounds != ROUNDS || !game.over)) code = RONDEL_EPROTO;
    if (code < 0) fprintf(stderr, "pull: %s\n", rondel_error_message(code));
    else printf("%d rounds played without a callback\n", game.rounds);
    return code < 0;
}
