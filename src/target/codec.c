/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Of what is damaged a decoder finds out late. How far back what it put out is to be
 * doubted is each format's: gzip's blocks have no checksum, and where one ends too early
 * it is the next that makes no sense; an LZMA2 chunk unpacks to 2 MiB at most and must come
 * out even. Where the checksum of a whole member is wrong nothing of that member is sure.
 */
#include "target/codec.h"

#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "util/bits.h"

#define MIB (UINT64_C(1) << 20)

static bool begins(const uint8_t *bytes, size_t size, const char *magic, size_t len)
{
	return size >= len && !memcmp(bytes, magic, len);
}

#define BEGINS(bytes, size, magic) begins(bytes, size, magic, sizeof(magic) - 1)

static uint64_t less(uint64_t made, uint64_t margin)
{
	return made > margin ? made - margin : 0;
}

static enum ws_flow damaged(struct ws_codec_stream *s, uint64_t margin)
{
	s->sure = less(s->made, margin);
	return WS_FLOW_DAMAGED;
}

/* Puts down what a library has taken and given. */
static void moved(struct ws_codec_stream *s, size_t in, size_t out)
{
	s->in += in;
	s->nin -= in;
	s->out += out;
	s->nout -= out;
	s->made += out;
}

/* ---- gzip and zlib ---------------------------------------------------------------- */

struct deflated {
	z_stream z;
	uint64_t block, before; /* where the block in work and the one before begin */
	bool checked;           /* the last block has ended: the checksum is next */
};

#define Z_LAST_BLOCK 64
#define Z_BLOCK_ENDS 128

static void *deflated_begin(int window)
{
	struct deflated *d = calloc(1, sizeof(*d));

	if (d && inflateInit2(&d->z, window) != Z_OK) {
		free(d);
		d = NULL;
	}
	return d;
}

static void *gzip_begin(unsigned how, uint64_t window)
{
	(void)how;
	(void)window;
	return deflated_begin(MAX_WBITS + 16);
}

static void *zlib_begin(unsigned how, uint64_t window)
{
	(void)how;
	(void)window;
	return deflated_begin(MAX_WBITS);
}

static void block_ended(struct deflated *d, const struct ws_codec_stream *s)
{
	if (!(d->z.data_type & Z_BLOCK_ENDS))
		return;
	d->before = d->block;
	d->block = s->made;
	d->checked = d->z.data_type & Z_LAST_BLOCK;
}

static enum ws_flow deflated_step(void *state, struct ws_codec_stream *s)
{
	struct deflated *d = state;
	int r;

	d->z.next_in = (uint8_t *)s->in;
	d->z.avail_in = (unsigned)s->nin;
	d->z.next_out = s->out;
	d->z.avail_out = (unsigned)s->nout;
	r = inflate(&d->z, Z_BLOCK);
	moved(s, s->nin - d->z.avail_in, s->nout - d->z.avail_out);
	if (r == Z_STREAM_END)
		return WS_FLOW_END;
	if (r == Z_MEM_ERROR)
		return WS_FLOW_MEMORY;
	if (r != Z_OK && r != Z_BUF_ERROR) {
		s->sure = d->checked ? 0 : d->before;
		return WS_FLOW_DAMAGED;
	}
	block_ended(d, s);
	return WS_FLOW_ON;
}

static void deflated_end(void *state)
{
	struct deflated *d = state;

	inflateEnd(&d->z);
	free(d);
}

/* RFC 1952: deflate, and no flag that is reserved. */
static bool gzip_probe(const uint8_t *bytes, size_t size)
{
	return size >= 4 && BEGINS(bytes, size, "\x1f\x8b\x08") && !(bytes[3] & 0xe0);
}

/*
 * RFC 1950. LiME's compress=1 is one such stream, of a window of 2 KiB, around the whole of
 * the dump. Its two bytes are no signature, so the first bytes have to unpack.
 */
static bool zlib_probe(const uint8_t *bytes, size_t size)
{
	uint8_t out[WS_CODEC_HEAD];
	struct ws_codec_stream s = {
		.in = bytes, .nin = size, .out = out, .nout = sizeof(out)
	};
	enum ws_flow step = WS_FLOW_ON;
	size_t left = SIZE_MAX;
	void *state;

	if (size < 2 || (bytes[0] & 0xf) != 8 || bytes[0] >> 4 > 7 || bytes[1] & 0x20 ||
	    (bytes[0] << 8 | bytes[1]) % 31 || !(state = zlib_begin(0, WS_CODEC_WINDOW)))
		return false;
	while (step == WS_FLOW_ON && s.nout && s.nin + s.nout < left) {
		left = s.nin + s.nout;
		step = deflated_step(state, &s);
	}
	deflated_end(state);
	return step <= WS_FLOW_END && s.made >= 4;
}

/* ---- xz --------------------------------------------------------------------------- */

struct lzma {
	lzma_stream z;
	lzma_block block;
	lzma_filter filters[LZMA_FILTERS_MAX + 1];
	bool by_block, headed;
	uint64_t memory; /* that a block may take */
};

#define LZMA2_CHUNK (2 * MIB)

static void *xz_begin(unsigned how, uint64_t window)
{
	struct lzma *x = calloc(1, sizeof(*x));

	(void)how;
	if (x && lzma_stream_decoder(&x->z, window + WS_CODEC_REST, 0) != LZMA_OK) {
		free(x);
		x = NULL;
	}
	return x;
}

static void *xz_block_begin(unsigned check, uint64_t window)
{
	struct lzma *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->by_block = true;
	x->memory = window + WS_CODEC_REST;
	x->block.check = (lzma_check)check;
	x->block.filters = x->filters;
	x->filters[0].id = LZMA_VLI_UNKNOWN;
	return x;
}

static enum ws_flow lzma_said(struct ws_codec_stream *s, lzma_ret r)
{
	switch (r) {
	case LZMA_OK:
	case LZMA_BUF_ERROR:
	case LZMA_UNSUPPORTED_CHECK:
		return WS_FLOW_ON;
	case LZMA_STREAM_END:
		return WS_FLOW_END;
	case LZMA_MEM_ERROR:
		return WS_FLOW_MEMORY;
	case LZMA_MEMLIMIT_ERROR:
		return WS_FLOW_TOO_BIG;
	default:
		return damaged(s, LZMA2_CHUNK);
	}
}

/* The header says how long it is. */
static enum ws_flow block_header(struct lzma *x, struct ws_codec_stream *s)
{
	lzma_ret r;

	if (!s->nin)
		return WS_FLOW_ON;
	x->block.header_size = lzma_block_header_size_decode(*s->in);
	if (!*s->in || x->block.header_size > s->nin)
		return damaged(s, 0);
	r = lzma_block_header_decode(&x->block, NULL, s->in);
	if (r == LZMA_OK && lzma_raw_decoder_memusage(x->filters) > x->memory)
		r = LZMA_MEMLIMIT_ERROR;
	if (r == LZMA_OK)
		r = lzma_block_decoder(&x->z, &x->block);
	x->headed = r == LZMA_OK;
	moved(s, x->headed ? x->block.header_size : 0, 0);
	return lzma_said(s, r);
}

static enum ws_flow xz_step(void *state, struct ws_codec_stream *s)
{
	struct lzma *x = state;
	lzma_ret r;

	if (x->by_block && !x->headed)
		return block_header(x, s);
	x->z.next_in = s->in;
	x->z.avail_in = s->nin;
	x->z.next_out = s->out;
	x->z.avail_out = s->nout;
	r = lzma_code(&x->z, LZMA_RUN);
	moved(s, s->nin - x->z.avail_in, s->nout - x->z.avail_out);
	return lzma_said(s, r);
}

static void xz_end(void *state)
{
	struct lzma *x = state;

	lzma_end(&x->z);
	if (x->by_block)
		lzma_filters_free(x->filters, NULL);
	free(x);
}

static bool xz_probe(const uint8_t *bytes, size_t size)
{
	return BEGINS(bytes, size, "\xfd\x37zXZ\0");
}

/* ---- zstd ------------------------------------------------------------------------- */

#define ZSTD_BLOCK (MIB / 8)

static void *zstd_begin(unsigned how, uint64_t window)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();

	(void)how;
	if (z && ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax,
						     63 - __builtin_clzll(window)))) {
		ZSTD_freeDCtx(z);
		z = NULL;
	}
	return z;
}

static enum ws_flow zstd_step(void *state, struct ws_codec_stream *s)
{
	ZSTD_inBuffer in = { s->in, s->nin, 0 };
	ZSTD_outBuffer out = { s->out, s->nout, 0 };
	size_t r = ZSTD_decompressStream(state, &out, &in);

	moved(s, in.pos, out.pos);
	if (!ZSTD_isError(r))
		return r ? WS_FLOW_ON : WS_FLOW_END;
	switch (ZSTD_getErrorCode(r)) {
	case ZSTD_error_memory_allocation:
		return WS_FLOW_MEMORY;
	case ZSTD_error_frameParameter_windowTooLarge:
		return WS_FLOW_TOO_BIG;
	case ZSTD_error_checksum_wrong:
		return damaged(s, UINT64_MAX);
	default:
		return damaged(s, 2 * ZSTD_BLOCK);
	}
}

static void zstd_end(void *state)
{
	ZSTD_freeDCtx(state);
}

/* A frame, or one that is to be skipped: both formats' are alike. */
static bool is_skipped(const uint8_t *bytes, size_t size)
{
	return size >= 4 && (ws_le32(bytes) & 0xfffffff0) == 0x184d2a50;
}

static bool zstd_probe(const uint8_t *bytes, size_t size)
{
	return BEGINS(bytes, size, "\x28\xb5\x2f\xfd") || is_skipped(bytes, size);
}

/* ---- LZ4 -------------------------------------------------------------------------- */

#define LZ4_BLOCK_MAX (4 * MIB)

static void *lz4_begin(unsigned how, uint64_t window)
{
	LZ4F_dctx *z;

	(void)how;
	(void)window;
	return LZ4F_isError(LZ4F_createDecompressionContext(&z, LZ4F_VERSION)) ? NULL : z;
}

/* The library tells its errors apart by name alone. */
static enum ws_flow lz4_flaw(struct ws_codec_stream *s, size_t code)
{
	const char *name = LZ4F_getErrorName(code);

	if (strstr(name, "allocation"))
		return WS_FLOW_MEMORY;
	return damaged(s,
		       strstr(name, "contentChecksum") ? UINT64_MAX : 2 * LZ4_BLOCK_MAX);
}

static enum ws_flow lz4_step(void *state, struct ws_codec_stream *s)
{
	size_t in = s->nin, out = s->nout;
	size_t r = LZ4F_decompress(state, s->out, &out, s->in, &in, NULL);

	if (LZ4F_isError(r))
		return lz4_flaw(s, r);
	moved(s, in, out);
	return r ? WS_FLOW_ON : WS_FLOW_END;
}

static void lz4_end(void *state)
{
	LZ4F_freeDecompressionContext(state);
}

static bool lz4_probe(const uint8_t *bytes, size_t size)
{
	return BEGINS(bytes, size, "\x04\x22\x4d\x18") || is_skipped(bytes, size);
}

/* ---- all of them ------------------------------------------------------------------ */

const struct ws_codec ws_codec_gzip = { "gzip", gzip_probe, gzip_begin, deflated_step,
					deflated_end };
const struct ws_codec ws_codec_zlib = { "zlib", zlib_probe, zlib_begin, deflated_step,
					deflated_end };
const struct ws_codec ws_codec_xz = { "xz", xz_probe, xz_begin, xz_step, xz_end };
const struct ws_codec ws_codec_xz_block = { "xz", NULL, xz_block_begin, xz_step, xz_end };
const struct ws_codec ws_codec_zstd = { "zstd", zstd_probe, zstd_begin, zstd_step,
					zstd_end };
const struct ws_codec ws_codec_lz4 = {
	"LZ4",    lz4_probe, lz4_begin,
	lz4_step, lz4_end,   .whole = "a block, which has up to 4 MiB of the dump",
};

const struct ws_codec *ws_codec_of(const uint8_t *bytes, size_t size)
{
	static const struct ws_codec *const codecs[] = { &ws_codec_gzip, &ws_codec_xz,
							 &ws_codec_zstd, &ws_codec_lz4,
							 &ws_codec_lzop, &ws_codec_zlib };

	for (size_t i = 0; i < WS_ARRAY_SIZE(codecs); i++)
		if (codecs[i]->probe(bytes, size))
			return codecs[i];
	return NULL;
}
