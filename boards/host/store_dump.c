/*
 * `nanoacme store dump IMAGE`: shows what a flash image holds, of the host or as it was read from a
 * board: geometry, sectors with their sequence numbers and erases, records by name. It reads with
 * the core's own reader and writes nothing; keys are named, never shown.
 */
#include "store_dump.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/crc.h"
#include "store/store.h"
#include "exit.h"
#include "json.h"
#include "say.h"
#include "words.h"

#define PAGE        4096u
#define AREA_MAX    0x10000000u
#define HEADER_LEN  24u
#define SEALED_BIT  0x80u
#define SCRATCH_LEN (16u + 3u * (CONFIG_ACME_URL_MAX + 1u))

static const char file_magic[] = "nanoacme flash image, version 1\n";

struct image {
    uint8_t *bytes; /* of the area */
    struct acme_flash_geometry geometry;
    size_t len; /* of the area that the file has */
    bool truncated;
};

/* ---- flash in memory ---- */

static int32_t image_geometry(void *ctx, struct acme_flash_geometry *geometry)
{
    *geometry = ((struct image *)ctx)->geometry;
    return ACME_OK;
}

static int32_t image_read(void *ctx, uint32_t offset, void *data, size_t len)
{
    memcpy(data, ((struct image *)ctx)->bytes + offset, len);
    return ACME_OK;
}

static int32_t no_program(void *ctx, uint32_t offset, const void *data, size_t len)
{
    (void)ctx;
    (void)offset;
    (void)data;
    (void)len;
    return ACME_ERR_STORE_IO;
}

static int32_t no_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    (void)offset;
    return ACME_ERR_STORE_IO;
}

static int32_t no_sync(void *ctx)
{
    (void)ctx;
    return ACME_ERR_STORE_IO;
}

static const struct acme_flash_ops image_ops = {image_geometry, image_read, no_program, no_erase,
                                                no_sync};

/* ---- the file ---- */

static uint8_t *read_file(const char *path, size_t *len)
{
    FILE *in = fopen(path, "rb");
    struct stat st;
    uint8_t *bytes = NULL;

    if (in != NULL && fstat(fileno(in), &st) == 0) {
        *len = st.st_size < (off_t)(AREA_MAX + PAGE) ? (size_t)st.st_size : AREA_MAX + PAGE;
        bytes = malloc(*len + 1);
    }
    if (bytes == NULL || fread(bytes, 1, *len, in) != *len) {
        cli_error("%s: %s", path, errno != 0 ? strerror(errno) : "cannot be read whole");
        free(bytes);
        bytes = NULL;
    }
    if (in != NULL) {
        (void)fclose(in);
    }
    return bytes;
}

static bool is_usable(const struct acme_flash_geometry *g)
{
    return g->sector_size >= 256 && (g->sector_size & (g->sector_size - 1)) == 0 &&
           g->sector_count >= 2 && g->sector_count <= ACME_FLASHLOG_SECTORS_MAX &&
           g->sector_count <= AREA_MAX / g->sector_size && g->program_size >= 1 &&
           g->program_size <= 32 && (g->program_size & (g->program_size - 1)) == 0;
}

/* Finds the area in the file, and its geometry: the file's own, or as the options say. */
static bool find_area(struct image *image, uint8_t *file, size_t len, const char *path)
{
    const size_t magic_len = sizeof(file_magic) - 1;
    bool has_header = len >= magic_len + 12 && memcmp(file, file_magic, magic_len) == 0;

    image->bytes = file;
    image->len = len;
    if (has_header) {
        image->geometry.sector_size = acme_get32(file + magic_len);
        image->geometry.sector_count = acme_get32(file + magic_len + 4);
        image->geometry.program_size = acme_get32(file + magic_len + 8);
        image->bytes = file + (len > PAGE ? PAGE : len);
        image->len = len > PAGE ? len - PAGE : 0;
    } else if (image->geometry.sector_size == 0 || image->geometry.program_size == 0) {
        cli_error("%s: not an image of nanoacme on a host; for one from a board say --sector-size "
                  "and --program-size",
                  path);
        return false;
    } else {
        uint32_t size = image->geometry.sector_size;

        image->geometry.sector_count = (uint32_t)((len + size - 1) / size);
    }
    if (!is_usable(&image->geometry)) {
        cli_error("%s: %u sectors of %u bytes, program unit %u: such a flash cannot be", path,
                  image->geometry.sector_count, image->geometry.sector_size,
                  image->geometry.program_size);
        return false;
    }
    return true;
}

/* What the file lacks is taken as erased. Returns false without memory. */
static bool complete(struct image *image, uint8_t **file)
{
    size_t want = (size_t)image->geometry.sector_size * image->geometry.sector_count;
    size_t before = (size_t)(image->bytes - *file);
    uint8_t *bytes = realloc(*file, before + want);

    if (bytes == NULL) {
        cli_error("an area of %zu bytes: %s", want, strerror(errno));
        return false;
    }
    *file = bytes;
    image->bytes = bytes + before;
    image->truncated = image->len < want;
    if (image->truncated) {
        memset(image->bytes + image->len, 0xff, want - image->len);
    }
    return true;
}

/* ---- sectors ---- */

static const uint8_t *sector_header(const struct image *image, uint32_t sector)
{
    uint32_t unit = image->geometry.program_size, padded = (HEADER_LEN + unit - 1) / unit * unit;
    const uint8_t *at = image->bytes + (size_t)sector * image->geometry.sector_size;
    int copy;

    for (copy = 0; copy < 2; copy++, at += padded) {
        if (memcmp(at, "nACM", 4) == 0 && acme_get32(at + 20) == acme_crc32(0, at, 20)) {
            return at;
        }
    }
    return NULL;
}

static bool is_sealed(const struct image *image)
{
    uint32_t i;

    for (i = 0; i < image->geometry.sector_count; i++) {
        const uint8_t *header = sector_header(image, i);

        if (header != NULL) {
            return (header[4] & SEALED_BIT) != 0;
        }
    }
    return false;
}

static bool is_blank(const struct image *image, uint32_t sector)
{
    const uint8_t *at = image->bytes + (size_t)sector * image->geometry.sector_size;
    uint32_t i = 0;

    while (i < image->geometry.sector_size && at[i] == 0xff) {
        i++;
    }
    return i == image->geometry.sector_size;
}

static void add_sectors(cJSON *out, const struct image *image, const struct acme_flashlog *log)
{
    cJSON *sectors = cJSON_AddArrayToObject(out, "sectors");
    uint32_t i;

    for (i = 0; i < image->geometry.sector_count; i++) {
        const uint8_t *header = sector_header(image, i);
        cJSON *o = cJSON_CreateObject();
        uint32_t seq = header != NULL ? acme_get32(header + 8) : 0;

        cJSON_AddNumberToObject(o, "sector", i);
        if (header != NULL) {
            cJSON_AddNumberToObject(o, "sequence", seq);
            cJSON_AddNumberToObject(o, "erases", acme_get32(header + 12));
            cJSON_AddNumberToObject(o, "format", header[4]);
        }
        cJSON_AddStringToObject(o, "state",
                                header == NULL ? (is_blank(image, i) ? "blank" : "no header")
                                : seq > log->freed_seq && seq <= log->head_seq
                                    ? (seq == log->head_seq ? "in use, the newest" : "in use")
                                    : "free");
        cJSON_AddItemToArray(sectors, o);
    }
}

/* ---- records ---- */

static void add_time(cJSON *o, const char *name, int64_t unix_s)
{
    char text[32];

    cli_format_time(unix_s, text);
    cJSON_AddStringToObject(o, name, text);
}

static int32_t add_account(cJSON *o, struct acme_store *store, uint8_t slot)
{
    static struct acme_account_record r;
    static uint8_t scratch[SCRATCH_LEN];
    int32_t rc = acme_store_read_account(store, slot, &r, scratch, sizeof(scratch));

    cJSON_AddStringToObject(o, "record", "account");
    if (rc == ACME_OK) {
        cJSON_AddStringToObject(o, "directory", r.directory_url);
        cJSON_AddStringToObject(o, "url", r.url);
        cJSON_AddStringToObject(o, "terms", r.tos_url);
        cJSON_AddStringToObject(o, "keyType", cli_key_type_name(r.key_type));
        cJSON_AddNumberToObject(o, "generation", r.key_generation);
    }
    return rc;
}

static int32_t add_order(cJSON *o, struct acme_store *store, uint8_t slot)
{
    static struct acme_order_record r;
    static uint8_t scratch[SCRATCH_LEN];
    int32_t rc = acme_store_read_order(store, slot, &r, scratch, sizeof(scratch));

    cJSON_AddStringToObject(o, "record", "order");
    if (rc == ACME_OK) {
        cJSON_AddStringToObject(o, "url", r.url);
        cJSON_AddStringToObject(o, "keyType", cli_key_type_name(r.key_type));
        cJSON_AddNumberToObject(o, "generation", r.key_generation);
    }
    return rc;
}

static int32_t add_certificate(cJSON *o, struct acme_store *store, uint8_t slot)
{
    static struct acme_cert_record r;
    static char names[CONFIG_ACME_NAMES_MAX * 254 + 1];
    int32_t rc = acme_store_read_cert(store, slot, &r);
    uint32_t i, size = 0;

    cJSON_AddStringToObject(o, "record", "certificate");
    if (rc != ACME_OK) {
        return rc;
    }
    if (acme_store_read_names(store, slot, names, sizeof(names)) == ACME_OK) {
        cJSON_AddStringToObject(o, "names", names);
    }
    for (i = 0; i < r.chain_count; i++) {
        size += r.lengths[i];
    }
    add_time(o, "notBefore", r.not_before_s);
    add_time(o, "notAfter", r.not_after_s);
    cJSON_AddStringToObject(o, "keyType", cli_key_type_name(r.key_type));
    cJSON_AddNumberToObject(o, "generation", r.key_generation);
    cJSON_AddNumberToObject(o, "chain", r.chain_count);
    cJSON_AddNumberToObject(o, "chainSize", size);
    return rc;
}

static int32_t add_other(cJSON *o, uint64_t key)
{
    static const char *const names[] = {[ACME_SPACE_ITS] = "PSA storage",
                                        [ACME_SPACE_CHAIN] = "chain",
                                        [ACME_SPACE_TIME] = "time",
                                        [ACME_SPACE_ITS_FLAGS] = "PSA storage flags",
                                        [ACME_SPACE_NAMES] = "names"};
    uint8_t space = ACME_KEY_SPACE(key);
    const char *name = space < sizeof(names) / sizeof(names[0]) ? names[space] : NULL;

    cJSON_AddStringToObject(o, "record", name != NULL ? name : space == 14 ? "seal" : "other");
    if (name == NULL) {
        cJSON_AddNumberToObject(o, "space", space);
    }
    if (space == ACME_SPACE_CHAIN) {
        cJSON_AddNumberToObject(o, "slot", (double)(ACME_KEY_ID(key) >> 24));
        cJSON_AddNumberToObject(o, "generation", (double)(ACME_KEY_ID(key) >> 16 & 0xff));
        cJSON_AddNumberToObject(o, "chunk", (double)(ACME_KEY_ID(key) & 0xffff));
    }
    return ACME_OK;
}

/* What a record that this version can read says; a sealed store is read by no one here. */
static int32_t add_known(cJSON *o, struct acme_store *store, uint64_t key, bool sealed)
{
    uint8_t slot = (uint8_t)ACME_KEY_ID(key);

    switch (sealed ? 0 : ACME_KEY_SPACE(key)) {
    case ACME_SPACE_ACCOUNT:
        return add_account(o, store, slot);
    case ACME_SPACE_ORDER:
        return add_order(o, store, slot);
    case ACME_SPACE_CERT:
        return add_certificate(o, store, slot);
    default:
        return add_other(o, key);
    }
}

/* Fills in one record. The value of what PSA stores is never read but for its length. */
static bool add_record(cJSON *records, struct acme_store *store, uint64_t key, bool sealed)
{
    cJSON *o = cJSON_CreateObject();
    int32_t len = acme_record_length(store, key), rc = add_known(o, store, key, sealed);
    bool good = len >= 0 && rc == ACME_OK;
    char id[24];

    (void)snprintf(id, sizeof(id), "0x%llx", (unsigned long long)ACME_KEY_ID(key));
    cJSON_AddStringToObject(o, "id", id);
    if (len >= 0) {
        cJSON_AddNumberToObject(o, "length", len);
    }
    if (!good) {
        cJSON_AddStringToObject(o, "damaged", acme_error_name(len < 0 ? len : rc));
    }
    cJSON_AddItemToArray(records, o);
    return good;
}

static bool add_records(cJSON *out, struct acme_store *store, bool sealed)
{
    cJSON *records = cJSON_AddArrayToObject(out, "records");
    uint64_t key = 0;
    bool good = true;

    while (acme_flashlog_next(&store->log, &key) == ACME_OK) {
        good = add_record(records, store, key, sealed) && good;
    }
    return good;
}

/* ---- output ---- */

static void print_text(const char *text)
{
    for (; *text != '\0'; text++) {
        (void)putchar(isprint((unsigned char)*text) ? *text : '?');
    }
}

static void print_value(const cJSON *item)
{
    if (cJSON_IsString(item)) {
        print_text(item->valuestring);
    } else if (cJSON_IsBool(item)) {
        (void)fputs(cJSON_IsTrue(item) ? "yes" : "no", stdout);
    } else {
        (void)printf("%.0f", item->valuedouble);
    }
}

static void print_rows(const cJSON *rows)
{
    const cJSON *row, *field;

    (void)putchar('\n');
    cJSON_ArrayForEach(row, rows)
    {
        (void)putchar(' ');
        cJSON_ArrayForEach(field, row)
        {
            (void)printf(" %s=", field->string);
            print_value(field);
        }
        (void)putchar('\n');
    }
}

static void print_lines(const cJSON *out)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, out)
    {
        (void)printf("%s:", item->string);
        if (cJSON_IsArray(item)) {
            print_rows(item);
        } else {
            (void)putchar(' ');
            print_value(item);
            (void)putchar('\n');
        }
    }
}

static void print(cJSON *out, bool json)
{
    if (json) {
        cli_json_print(out, false);
    } else {
        print_lines(out);
        cJSON_Delete(out);
    }
}

static int dump(struct image *image, const char *path, bool json)
{
    static struct acme_store store;
    bool sealed = is_sealed(image), good = true;
    cJSON *out = cJSON_CreateObject();
    int32_t rc = sealed ? acme_flashlog_mount_sealed(&store.log, &image_ops, image)
                        : acme_flashlog_mount(&store.log, &image_ops, image);

    cJSON_AddNumberToObject(out, "sectorSize", image->geometry.sector_size);
    cJSON_AddNumberToObject(out, "sectorCount", image->geometry.sector_count);
    cJSON_AddNumberToObject(out, "programUnit", image->geometry.program_size);
    cJSON_AddBoolToObject(out, "sealed", sealed);
    cJSON_AddBoolToObject(out, "truncated", image->truncated);
    cJSON_AddBoolToObject(out, "damaged", rc == ACME_ERR_STORE_CORRUPT);
    add_sectors(out, image, &store.log);
    if (rc == ACME_OK || rc == ACME_ERR_STORE_CORRUPT) {
        good = add_records(out, &store, sealed);
    }
    print(out, json);
    if (image->truncated) {
        cli_error("%s: the image is cut short; what is missing was taken as erased", path);
    }
    if (rc != ACME_OK) {
        cli_error_core(path, rc, NULL);
    } else if (!good) {
        cli_error("%s: a record is damaged", path);
    }
    return rc == ACME_OK && good && !image->truncated ? CLI_OK : CLI_CONFIG;
}

static bool take_size(const char *text, uint32_t *size)
{
    char *end = NULL;
    unsigned long v = strtoul(text, &end, 0);

    *size = v <= AREA_MAX ? (uint32_t)v : 0;
    if (end == text || *end != '\0' || *size == 0) {
        cli_error("'%s' is not a size", text);
        return false;
    }
    return true;
}

/* Takes the options. False after an error was printed. */
static bool take_options(int argc, char **argv, struct image *image, bool *json)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"program-size", required_argument, NULL, 'p'},
                                            {"sector-size", required_argument, NULL, 's'},
                                            {NULL, 0, NULL, 0}};
    bool good = true;
    int option;

    opterr = 0;
    while (good && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        *json = *json || option == 'j';
        good = option == 'j' ||
               (option == 's' && take_size(optarg, &image->geometry.sector_size)) ||
               (option == 'p' && take_size(optarg, &image->geometry.program_size));
    }
    return good && argc - optind == 1;
}

int cli_store_dump(int argc, char **argv, void (*when_open)(void))
{
    struct image image = {0};
    const char *path;
    uint8_t *file;
    size_t len = 0;
    bool json = false;
    int code = CLI_CONFIG;

    if (!take_options(argc, argv, &image, &json)) {
        cli_error("usage: nanoacme store dump IMAGE [--json] [--sector-size N --program-size N]");
        return CLI_USAGE;
    }
    path = argv[optind];
    file = read_file(path, &len);
    if (file == NULL) {
        return CLI_CONFIG;
    }
    if (when_open != NULL) {
        when_open();
    }
    if (find_area(&image, file, len, path) && complete(&image, &file)) {
        code = dump(&image, path, json);
    }
    free(file);
    return code;
}
