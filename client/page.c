#include "client/page.h"

#include <stdarg.h>
#include <string.h>

#include "proto/utf8.h"

#define PAGE_MAX ((size_t)256 * 1024 * 1024)

/* Columns of the text: a hash of 64 digits stands on one line. */
#define LABEL 16
#define WIDTH 64

static void
fail(struct page *p, enum err err)
{
    if (p->err == E_OK)
        p->err = err;
}

static void
put(struct page *p, struct slice bytes)
{
    fail(p, buf_add(&p->out, bytes));
}

static void
put_text(struct page *p, const char *text)
{
    put(p, slice_of(text));
}

/* ---- characters -------------------------------------------------------- */

/* The character of the ${n} bytes, which are one. */
static uint32_t
decode(const uint8_t *c, size_t n)
{
    uint32_t value = n == 1 ? c[0] : c[0] & (0x7fu >> n);

    for (size_t i = 1; i < n; i++)
        value = value << 6 | (c[i] & 0x3fu);
    return (value);
}

/*
 * What acts instead of being seen: controls, marks and overrides of direction,
 * separators of lines, what joins or has no width, fillers, tags.
 */
static int
is_hidden(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } hidden[] = {{0, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, {0x34f, 0x34f},
        {0x61c, 0x61c}, {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f},
        {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
        {0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},
        {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff}};

    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        if (c >= hidden[i].from && c <= hidden[i].to)
            return (1);
    return (0);
}

static const char *
entity(uint32_t c)
{
    switch (c) {
    case '&': return ("&amp;");
    case '<': return ("&lt;");
    case '>': return ("&gt;");
    case '"': return ("&quot;");
    case '\'': return ("&#39;");
    default: return (NULL);
    }
}

/* A character as it may be shown: ${*bytes} of it, of ${columns} columns. */
struct shown {
    struct slice bytes;
    size_t columns;
    char own[48];
};

/* Take the first character of ${*text}. */
static void
show_next(const struct page *p, struct slice *text, struct shown *s)
{
    size_t n = utf8_next(*text);
    uint32_t c = n == 0 ? text->p[0] : decode(text->p, n);
    const char *escaped = p->format == PAGE_HTML ? entity(c) : NULL;

    s->bytes = (struct slice){text->p, n};
    s->columns = 1;
    if (n == 0 || is_hidden(c)) {
        int wide = snprintf(s->own, sizeof(s->own), p->format == PAGE_HTML ?
            "<span>%s%0*X</span>" : "<%s%0*X>", n == 0 ? "byte " : "U+",
            n == 0 ? 2 : 4, (unsigned)c);

        s->bytes = slice_of(s->own);
        s->columns = (size_t)wide;
    } else if (n != 0 && escaped != NULL)
        s->bytes = slice_of(escaped);
    n = n == 0 ? 1 : n;
    text->p += n;
    text->n -= n;
}

static void
put_shown(struct page *p, struct slice text)
{
    struct shown s;

    while (text.n > 0 && p->err == E_OK) {
        show_next(p, &text, &s);
        put(p, s.bytes);
    }
}

/* ---- a value ----------------------------------------------------------- */

static void PRINTF_LIKE(2, 0)
print_value(struct page *p, const char *format, va_list args)
{
    va_list again;
    int n;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    p->value.n = 0;
    if (n < 0)
        fail(p, E_TOOBIG);
    else
        fail(p, buf_reserve(&p->value, (size_t)n + 1));
    if (p->err != E_OK)
        return;
    (void)vsnprintf((char *)p->value.p, (size_t)n + 1, format, args);
    p->value.n = (size_t)n;
}

/* How many columns the word at the front of ${text} takes. */
static size_t
word_columns(const struct page *p, struct slice text)
{
    size_t n = 0;
    struct shown s;

    while (text.n > 0 && *text.p != ' ' && n <= WIDTH) {
        show_next(p, &text, &s);
        n += s.columns;
    }
    return (n);
}

/* Wrap the value behind the label; a word that no line holds is cut. */
static void
put_wrapped(struct page *p, size_t indent, size_t width)
{
    struct slice text = buf_slice(&p->value);
    size_t column = 0;
    struct shown s;

    while (text.n > 0 && p->err == E_OK) {
        int space = *text.p == ' ';
        size_t ahead = space ? 1 + word_columns(p, (struct slice){text.p + 1,
            text.n - 1}) : 0;

        show_next(p, &text, &s);
        if (column > 0 && ((space && column + ahead > width &&
            ahead <= width + 1) || column + s.columns > width)) {
            put_text(p, "\n");
            for (size_t i = 0; i < indent; i++)
                put_text(p, " ");
            column = 0;
            if (space)
                continue;
        }
        put(p, s.bytes);
        column += s.columns;
    }
    put_text(p, "\n");
}

/* ---- HTML -------------------------------------------------------------- */

/* One sheet of A4 or Letter. */
static const char html_head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\" dir=\"ltr\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" "
    "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<meta name=\"referrer\" content=\"no-referrer\">\n";

static const char html_style[] =
    "<style>\n"
    "@page { size: auto; margin: 9mm 11mm; }\n"
    "* { box-sizing: border-box; }\n"
    "body { font: 13px/1.35 \"Liberation Sans\", Arial, Helvetica, sans-serif; "
    "color: #111;\n"
    "  background: #fff; max-width: 1040px; margin: 16px auto; "
    "padding: 0 16px; }\n"
    "h1, p { column-span: all; white-space: pre-wrap; "
    "overflow-wrap: anywhere; }\n"
    "h1 { font-size: 1.5em; margin: .3em 0 .5em; }\n"
    "h2 { font-size: 1em; margin: 0 0 .15em; padding-bottom: .1em;\n"
    "  border-bottom: 1px solid #999; break-after: avoid; }\n"
    "p { margin: 0 0 .5em; padding: .35em .6em; border: 2px solid #555; "
    "font-weight: bold; }\n"
    "p.good { border-color: #1a6b2d; color: #1a6b2d; }\n"
    "p.warning { border-color: #8a5a00; color: #8a5a00; }\n"
    "p.bad { border: 4px solid #b00020; color: #b00020; font-size: 1.3em; }\n"
    "main { columns: 2; column-gap: 20px; }\n"
    "section { margin: 0 0 .75em; break-inside: avoid-column; }\n"
    "dl { display: grid; grid-template-columns: 92px 1fr; gap: .05em .5em; "
    "margin: 0; }\n"
    "dt { color: #555; }\n"
    "dd { margin: 0; grid-column: 2; white-space: pre-wrap; "
    "overflow-wrap: anywhere;\n"
    "  unicode-bidi: isolate; }\n"
    "dd span, h1 span, p span { border: 1px solid #b00020; color: #b00020; "
    "font-size: .85em; padding: 0 .2em; }\n"
    "@media screen and (max-width: 760px) { main { columns: 1; } }\n"
    "@media print { body { font-size: 8pt; line-height: 1.22; margin: 0; "
    "padding: 0;\n"
    "    max-width: none; }\n"
    "  dl { grid-template-columns: 19mm 1fr; }\n"
    "  p, h2, dd span { print-color-adjust: exact; } }\n"
    "</style>\n";

static void
close_section(struct page *p)
{
    if (p->open && p->format == PAGE_HTML)
        put_text(p, "</dl>\n</section>\n");
    p->open = 0;
}

/* ---- the page ---------------------------------------------------------- */

void
page_begin(struct page *p, enum page_format format, const char *title)
{
    memset(p, 0, sizeof(*p));
    p->format = format;
    buf_init(&p->out, PAGE_MAX);
    buf_init(&p->value, PAGE_MAX);
    if (format == PAGE_TEXT)
        return;
    put_text(p, html_head);
    put_text(p, "<title>");
    put_shown(p, slice_of(title));
    put_text(p, "</title>\n");
    put_text(p, html_style);
    put_text(p, "</head>\n<body>\n<main>\n");
}

void
page_banner(struct page *p, enum page_tone tone, const char *format, ...)
{
    static const char *const tags[] = {
        [PAGE_HEADING] = "<h1>", [PAGE_PLAIN] = "<p>",
        [PAGE_GOOD] = "<p class=\"good\">",
        [PAGE_WARNING] = "<p class=\"warning\">",
        [PAGE_BAD] = "<p class=\"bad\">",
    };
    va_list args;

    va_start(args, format);
    print_value(p, format, args);
    va_end(args);
    close_section(p);
    if (p->format == PAGE_HTML) {
        put_text(p, tags[tone]);
        put_shown(p, buf_slice(&p->value));
        put_text(p, tone == PAGE_HEADING ? "</h1>\n" : "</p>\n");
        return;
    }
    if (tone == PAGE_BAD || tone == PAGE_HEADING)
        put_text(p, tone == PAGE_BAD ? "*** " : "\n");
    put_wrapped(p, tone == PAGE_BAD ? 4 : 0, LABEL + WIDTH -
        (tone == PAGE_BAD ? 4 : 0));
}

void
page_section(struct page *p, const char *title)
{
    close_section(p);
    if (p->format == PAGE_HTML) {
        put_text(p, "<section>\n<h2>");
        put_shown(p, slice_of(title));
        put_text(p, "</h2>\n<dl>\n");
    } else {
        put_text(p, "\n");
        put_shown(p, slice_of(title));
        put_text(p, "\n");
    }
    p->open = 1;
}

void
page_row(struct page *p, const char *label, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_value(p, format, args);
    va_end(args);
    if (p->format == PAGE_HTML) {
        if (label[0] != '\0') {
            put_text(p, "<dt>");
            put_shown(p, slice_of(label));
            put_text(p, "</dt>");
        }
        put_text(p, "<dd>");
        put_shown(p, buf_slice(&p->value));
        put_text(p, "</dd>\n");
        return;
    }
    put_text(p, label);
    for (size_t i = strlen(label); i < LABEL; i++)
        put_text(p, " ");
    put_wrapped(p, LABEL, WIDTH);
}

enum err
page_end(struct page *p, FILE *f)
{
    enum err err;

    close_section(p);
    if (p->format == PAGE_HTML)
        put_text(p, "</main>\n</body>\n</html>\n");
    if ((err = p->err) == E_OK)
        (void)fwrite(p->out.p, 1, p->out.n, f);
    buf_free(&p->out);
    buf_free(&p->value);
    return (err);
}
