/*
 * The search. It must not know whose secrets they are.
 */
#include "memory_search.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define MASK        0xa35c96e1b7d2480full
#define PATTERN_MAX 16u
#define PATTERNS    262144u /* a power of two, and twice what is ever used */
#define SECRET_MAX  4096u
#define SECRETS     512u
#define EXCLUDED    16u
#define CHUNK       65536u
#define REGION_MAX  ((uint64_t)64 << 20) /* the shadow memory of a sanitizer is larger */
#define TOLD        12u

struct pattern {
    uint64_t head; /* its first 8 bytes, masked; 0: empty */
    uint64_t tail; /* the last 8 of the rest, masked */
    uint16_t secret;
    uint8_t len;
};

static struct pattern patterns[PATTERNS];
static char names[SECRETS][48];
static unsigned known, used, told;
static bool quiet;
static struct {
    uintptr_t start, end;
} excluded[EXCLUDED];
static unsigned excluded_count;
static uint8_t chunk[CHUNK + PATTERN_MAX];

static uint64_t load(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v ^ MASK;
}

static uint32_t slot_of(uint64_t head)
{
    return (uint32_t)((head * 0x9e3779b97f4a7c15ull) >> 40) & (PATTERNS - 1u);
}

/* The pattern that begins at p, if there is one within len bytes. */
static const struct pattern *match(const uint8_t *p, size_t len)
{
    uint64_t head = load(p);
    uint32_t i = slot_of(head);

    for (; patterns[i].len != 0; i = (i + 1) & (PATTERNS - 1u)) {
        if (patterns[i].head == head && patterns[i].len <= len &&
            load(p + patterns[i].len - 8) == patterns[i].tail) {
            return &patterns[i];
        }
    }
    return NULL;
}

static void add_pattern(const uint8_t *p, size_t len, unsigned secret)
{
    uint64_t head = load(p);
    uint32_t i = slot_of(head);

    if (match(p, len) != NULL) {
        return;
    }
    while (patterns[i].len != 0) {
        i = (i + 1) & (PATTERNS - 1u);
    }
    if (++used > PATTERNS / 2) {
        abort();
    }
    patterns[i] = (struct pattern){head, load(p + len - 8), (uint16_t)secret, (uint8_t)len};
}

/* Every window of so many bytes. */
static void add_windows(const uint8_t *data, size_t len, size_t window, unsigned secret)
{
    size_t i;

    for (i = 0; i + window <= len; i++) {
        /* Eight equal bytes are no secret: zeros would be everywhere. */
        if (memcmp(data + i, data + i + 1, window - 1) != 0) {
            add_pattern(data + i, window, secret);
        }
    }
}

static void wipe(void *data, size_t len)
{
    explicit_bzero(data, len);
}

static size_t to_base64(const uint8_t *data, size_t len, bool url, uint8_t *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";
    size_t n = 0;

    for (; len >= 3; data += 3, len -= 3) {
        uint32_t v = (uint32_t)data[0] << 16 | (uint32_t)data[1] << 8 | data[2];
        int shift;

        for (shift = 18; shift >= 0; shift -= 6) {
            uint32_t digit = v >> shift & 63u;

            out[n++] = (uint8_t)alphabet[digit + (url && digit >= 62u ? 2u : 0u)];
        }
    }
    return n;
}

static void add_encoded(const uint8_t *secret, size_t len, unsigned number)
{
    static uint8_t text[SECRET_MAX * 2];
    static const char *const digits[] = {"0123456789abcdef", "0123456789ABCDEF"};
    size_t i, d;

    for (d = 0; d < 2; d++) {
        for (i = 0; i < len; i++) {
            text[2 * i] = (uint8_t)digits[d][secret[i] >> 4];
            text[2 * i + 1] = (uint8_t)digits[d][secret[i] & 15u];
        }
        add_windows(text, 2 * len, 16, number);
    }
    for (d = 0; d < 6; d++) { /* two alphabets, three alignments */
        if (len > d / 2) {
            add_windows(text, to_base64(secret + d / 2, len - d / 2, (d & 1u) != 0, text), 11,
                        number);
        }
    }
    wipe(text, sizeof(text));
}

static unsigned begin(const char *name, const uint8_t *secret, size_t len)
{
    if (len < 8 || len > SECRET_MAX || known == SECRETS) {
        abort();
    }
    if (memory_search_known() > 0 && match(secret, len) != NULL) {
        return SECRETS;
    }
    (void)snprintf(names[known], sizeof(names[known]), "%s", name);
    return known++;
}

void memory_search_add(const char *name, const void *secret, size_t len)
{
    static uint8_t reversed[SECRET_MAX];
    unsigned number = begin(name, secret, len);
    size_t i;

    if (number == SECRETS) {
        return;
    }
    for (i = 0; i < len; i++) {
        reversed[i] = ((const uint8_t *)secret)[len - 1 - i];
    }
    add_windows(secret, len, 8, number);
    add_windows(reversed, len, 8, number);
    wipe(reversed, sizeof(reversed));
    add_encoded(secret, len, number);
}

void memory_search_add_text(const char *name, const char *text)
{
    size_t len = strlen(text);
    unsigned number = begin(name, (const uint8_t *)text, len);

    if (number != SECRETS) {
        add_windows((const uint8_t *)text, len, len < 12 ? len : 12, number);
    }
}

unsigned memory_search_known(void)
{
    return known;
}

void memory_search_exclude(const void *start, size_t len)
{
    if (excluded_count == EXCLUDED) {
        abort();
    }
    excluded[excluded_count].start = (uintptr_t)start;
    excluded[excluded_count++].end = (uintptr_t)start + len;
}

void memory_search_quiet(bool is_quiet)
{
    quiet = is_quiet;
}

static bool is_excluded(uintptr_t at)
{
    unsigned i;

    for (i = 0; i < excluded_count; i++) {
        if (at >= excluded[i].start && at < excluded[i].end) {
            return true;
        }
    }
    return at >= (uintptr_t)chunk && at < (uintptr_t)chunk + sizeof(chunk);
}

/* One hit for a run of windows. */
static unsigned search(const char *where, uintptr_t base, const uint8_t *data, size_t len,
                       size_t starts)
{
    unsigned hits = 0;
    size_t i, last = SIZE_MAX;

    for (i = 0; i + 8 <= len && i < starts; i++) {
        const struct pattern *p = match(data + i, len - i);

        if (p == NULL || is_excluded(base + i)) {
            continue;
        }
        if (last == SIZE_MAX || i != last + 1) {
            hits++;
            if (!quiet && told++ < TOLD) {
                (void)fprintf(stderr, "secret \"%s\" shows in %s at %#lx\n", names[p->secret],
                              where, (unsigned long)(base + i));
            }
        }
        last = i;
    }
    return hits;
}

unsigned memory_search_bytes(const char *where, const void *data, size_t len)
{
    return search(where, 0, data, len, len);
}

/* Most of the memory that nothing was ever written to. */
static bool is_blank(size_t len)
{
    return chunk[0] == 0 && memcmp(chunk, chunk + 1, len - 1) == 0;
}

bool memory_search_shows(unsigned number, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t i;

    for (i = 0; i + 8 <= len; i++) {
        const struct pattern *found = match(p + i, len - i);

        if (found != NULL && found->secret == number) {
            return true;
        }
    }
    return false;
}

static unsigned search_region(int mem, uintptr_t start, uintptr_t end, const char *where)
{
    unsigned hits = 0;

    for (; start < end; start += CHUNK) {
        size_t want = end - start < sizeof(chunk) ? end - start : sizeof(chunk);
        ssize_t n = pread(mem, chunk, want, (off_t)start);

        if (n > 0 && !is_blank((size_t)n)) {
            hits += search(where, start, chunk, (size_t)n, CHUNK);
        }
        wipe(chunk, sizeof(chunk));
    }
    return hits;
}

static unsigned search_process(void)
{
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512], mode[8], path[256];
    unsigned long start, end;
    unsigned hits = 0;
    bool stack = false;

    if (mem < 0 || maps == NULL) {
        abort();
    }
    told = 0;
    while (fgets(line, sizeof(line), maps) != NULL) {
        path[0] = '\0';
        if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &start, &end, mode, path) < 3 ||
            mode[1] != 'w' || mode[3] != 'p' || end - start > REGION_MAX) {
            continue;
        }
        stack = stack || strcmp(path, "[stack]") == 0;
        hits += search_region(mem, start, end, path[0] != '\0' ? path : "memory without a name");
    }
    (void)fclose(maps);
    (void)close(mem);
    if (!stack) {
        abort(); /* a search that leaves something out is none */
    }
    return hits;
}

/* On a stack of its own: what calls have left on the other one must not be overwritten by those of
 * the search. */
static ucontext_t caller, searcher;
static uint8_t search_stack[262144];
static unsigned result;

static void run_search(void)
{
    result = search_process();
}

unsigned memory_search_process(void)
{
    if (getcontext(&searcher) != 0) {
        abort();
    }
    searcher.uc_stack.ss_sp = search_stack;
    searcher.uc_stack.ss_size = sizeof(search_stack);
    searcher.uc_link = &caller;
    makecontext(&searcher, run_search, 0);
    if (swapcontext(&caller, &searcher) != 0) {
        abort();
    }
    explicit_bzero(search_stack, sizeof(search_stack));
    explicit_bzero(&searcher, sizeof(searcher));
    return result;
}
