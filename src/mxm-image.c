/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxm-image: decodes one uploaded picture and encodes it anew in the widths and
 * formats that are served (base/image.h). It is the only program that decodes
 * pictures of users, so it gives up everything before it reads one: after the
 * libraries have been initialized, the kernel denies it files, sockets, other
 * programs and executable memory, and limits memory and processor time. It is
 * started for one picture and exits.
 */
#include "base/base.h"

#include <endian.h>
#include <getopt.h>
#include <malloc.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>
#include <vips/vips.h>

#include "base/image.h"

#define CHUNK        ((size_t)256 * 1024)
#define QUALITY_JPEG 82
#define QUALITY_WEBP 80

#define SECONDS_DEFAULT 10
#define MEMORY_DEFAULT  (INT64_C(512) << 20)

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
/* Its leak check at exit starts a process and opens files. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}
#else
#define SANITIZED 0
#endif

static const int widths[] = IMAGE_WIDTHS;

_Static_assert(array_len(widths) * IMAGE_FORMATS == IMAGE_FILES,
    "IMAGE_FILES does not match IMAGE_WIDTHS");

struct bytes {
	void *p;
	size_t n;
};

/* Errors of the host. What a library prints about a picture is not printed. */
static int
fail_host(const char *what, int error)
{
	fprintf(stderr, "mxm-image: cannot %s: %s\n", what, strerror(error));
	return EX_OSERR;
}

static void
discard_message(
    const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer arg)
{
	(void)domain;
	(void)level;
	(void)text;
	(void)arg;
}

/* ---------------------------------------------------------------- limits */

/*
 * Not RLIMIT_NPROC, which counts all processes of the user: the filter below
 * allows threads and no process.
 */
static bool
set_limits(int64_t memory, int64_t seconds)
{
	const struct {
		int what;
		rlim_t soft, hard;
	} limits[] = {
		{ RLIMIT_AS, (rlim_t)memory, (rlim_t)memory },
		{ RLIMIT_CPU, (rlim_t)seconds, (rlim_t)seconds + 1 },
		{ RLIMIT_CORE, 0, 0 },
		{ RLIMIT_FSIZE, 0, 0 },
		{ RLIMIT_NOFILE, 3, 3 },
	};

	for (size_t i = SANITIZED ? 1 : 0; i < array_len(limits); i++) {
		const struct rlimit limit = { limits[i].soft, limits[i].hard };

		if (setrlimit(limits[i].what, &limit) != 0)
			return false;
	}
	/* an arena for each thread would use up the address space */
	(void)mallopt(M_ARENA_MAX, 1);
	return prctl(PR_SET_DUMPABLE, 0) == 0;
}

/* Memory, threads, time, and the descriptors that are open. */
static const int allowed[] = {
	SCMP_SYS(brk),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(close),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fstat),
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(lseek),
	SCMP_SYS(madvise),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(read),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(tgkill),
	SCMP_SYS(write),
};

/*
 * Everything else fails with EPERM. clone3() has its flags in memory, which a
 * filter cannot read: with ENOSYS the C library uses clone().
 */
static int
deny_the_rest(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int e = filter ? 0 : -ENOMEM;

	for (size_t i = 0; !e && i < array_len(allowed); i++)
		e = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	if (!e)
		e = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!e)
		e = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect),
		    1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!e)
		e = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	if (!e)
		e = seccomp_rule_add(
		    filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (!e)
		e = seccomp_load(filter); /* sets no_new_privs */
	if (filter)
		seccomp_release(filter);
	return -e;
}

/*
 * The four loaders and two savers. VIPSHOME: the modules, which have loaders of
 * ImageMagick and others, are not found; VIPS_NOVECTOR: no code is generated.
 */
static bool
start_vips(const char *name)
{
	static const char *const used[] = { "VipsForeignLoadJpeg",
		"VipsForeignLoadPng", "VipsForeignLoadWebp",
		"VipsForeignLoadNsgif", "VipsForeignSaveJpeg",
		"VipsForeignSaveWebp" };

	if (setenv("VIPSHOME", "/nonexistent", 1) != 0 ||
	    setenv("VIPS_NOVECTOR", "1", 1) != 0 || VIPS_INIT(name) != 0)
		return false;
	g_log_set_default_handler(discard_message, NULL);
	vips_concurrency_set(1);
	vips_cache_set_max(0);
	vips_block_untrusted_set(TRUE);
	vips_operation_block_set("VipsForeign", TRUE);
	for (size_t i = 0; i < array_len(used); i++)
		vips_operation_block_set(used[i], FALSE);
	return true;
}

/* --------------------------------------------------------------- picture */

/* All of standard input. false: out of memory, or a read error. */
static bool
read_all(struct bytes *in)
{
	size_t size = 0;
	ssize_t got = 1;

	while (got > 0) {
		if (in->n == size) {
			void *p = realloc(in->p, size += CHUNK);

			if (!p)
				return false;
			in->p = p;
		}
		got = read(STDIN_FILENO, (char *)in->p + in->n, size - in->n);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			in->n += (size_t)got;
	}
	return got == 0;
}

/* One of the formats, and not too large; by its header alone. */
static bool
is_accepted(const struct bytes *in)
{
	VipsImage *image = vips_image_new_from_buffer(
	    in->p, in->n, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL);
	int64_t pixels;

	if (!image)
		return false;
	pixels = (int64_t)image->Xsize * image->Ysize;
	g_object_unref(image);
	return pixels > 0 && pixels <= INT64_C(1000000) * IMAGE_MEGAPIXELS;
}

/* Replaces an image by what was made of it, if `status` is that of success. */
static bool
step(VipsImage **image, VipsImage **made, int status)
{
	if (status != 0)
		return false;
	g_object_unref(*image);
	*image = *made;
	*made = NULL;
	return true;
}

/* The pixels alone, decoded: without metadata. */
static VipsImage *
pixels_of(VipsImage *image)
{
	VipsImage *made;
	size_t n;
	void *p = vips_image_write_to_memory(image, &n);

	if (!p)
		return NULL;
	made = vips_image_new_from_memory_copy(
	    p, n, image->Xsize, image->Ysize, image->Bands, VIPS_FORMAT_UCHAR);
	g_free(p);
	return made;
}

/*
 * To sRGB by the colour profile of the picture, if it has one that is valid;
 * else by its kind of colours.
 */
static bool
to_srgb(VipsImage **image)
{
	VipsImage *made = NULL;

	if (vips_image_get_typeof(*image, VIPS_META_ICC_NAME) != 0 &&
	    step(image, &made,
		vips_icc_transform(
		    *image, &made, "srgb", "embedded", TRUE, NULL)))
		return true;
	return step(image, &made,
	    vips_colourspace(*image, &made, VIPS_INTERPRETATION_sRGB, NULL));
}

/* To sRGB with 8 bits, 3 bands or 4 with alpha, in memory. */
static bool
normalize(VipsImage **image)
{
	VipsImage *made = NULL;

	if (!to_srgb(image) ||
	    !step(image, &made,
		vips_cast(*image, &made, VIPS_FORMAT_UCHAR, NULL)))
		return false;
	if ((*image)->Bands > 4 &&
	    !step(image, &made,
		vips_extract_band(*image, &made, 0, "n", 3, NULL)))
		return false;
	made = pixels_of(*image);
	return step(image, &made, made ? 0 : -1) && (*image)->Bands >= 3 &&
	       step(image, &made,
		   vips_copy(*image, &made, "interpretation",
		       VIPS_INTERPRETATION_sRGB, NULL));
}

/*
 * Decodes the picture, upright, in the greatest width. NULL: it cannot be.
 * libvips passes the argument fail_on of this operation to no loader (its issue
 * 5195), only the options.
 */
static VipsImage *
decode(const struct bytes *in)
{
	VipsImage *image = NULL;

	if (vips_thumbnail_buffer(in->p, in->n, &image, widths[0], "height",
		2 * widths[0], "size", VIPS_SIZE_DOWN, "option_string",
		"[fail_on=error]", NULL) != 0)
		return NULL;
	if (normalize(&image))
		return image;
	g_object_unref(image);
	return NULL;
}

/*
 * Removes all chunks but those of pixels: libvips 8.14 ignores "strip" here and
 * adds a chunk EXIF.
 */
static void
strip_webp(struct bytes *file)
{
	const size_t head = 12, chunk = 8;
	unsigned char *to = (unsigned char *)file->p + head, *at = to;
	unsigned char *end = (unsigned char *)file->p + file->n;
	uint32_t n;

	while (end - at >= (ptrdiff_t)chunk) {
		memcpy(&n, at + 4, sizeof n);
		n = le32toh(n);
		n += (n & 1) + (uint32_t)chunk;
		if (n > (size_t)(end - at))
			break;
		if (memcmp(at, "VP8X", 4) == 0)
			at[chunk] &= 0x10; /* of all features alpha */
		if (memcmp(at, "VP8", 3) == 0 || memcmp(at, "ALPH", 4) == 0) {
			memmove(to, at, n);
			to += n;
		}
		at += n;
	}
	file->n = (size_t)(to - (unsigned char *)file->p);
	n = htole32((uint32_t)(file->n - chunk));
	memcpy((char *)file->p + 4, &n, sizeof n);
}

/* Encodes the image as JPEG, on white if it is transparent, and as WebP. */
static bool
encode(VipsImage *image, struct bytes out[IMAGE_FORMATS])
{
	VipsArrayDouble *white = vips_array_double_newv(3, 255.0, 255.0, 255.0);
	bool good = vips_jpegsave_buffer(image, &out[0].p, &out[0].n, "Q",
			QUALITY_JPEG, "strip", TRUE, "optimize_coding", TRUE,
			"background", white, NULL) == 0 &&
		    vips_webpsave_buffer(image, &out[1].p, &out[1].n, "Q",
			QUALITY_WEBP, "strip", TRUE, NULL) == 0;

	vips_area_unref(VIPS_AREA(white));
	if (good)
		strip_webp(&out[1]);
	return good;
}

static bool
convert(const struct bytes *in, struct bytes out[IMAGE_FILES])
{
	VipsImage *image = is_accepted(in) ? decode(in) : NULL, *made = NULL;
	bool good = image != NULL;

	for (size_t i = 0; good && i < array_len(widths); i++)
		good =
		    step(&image, &made,
			vips_thumbnail_image(image, &made, widths[i], "height",
			    2 * widths[i], "size", VIPS_SIZE_DOWN, NULL)) &&
		    encode(image, &out[i * IMAGE_FORMATS]);
	if (image)
		g_object_unref(image);
	return good;
}

/* ------------------------------------------------------------------ main */

static bool
write_files(const struct bytes files[IMAGE_FILES])
{
	struct image_head head = { .magic = IMAGE_MAGIC };
	bool good;

	for (int i = 0; i < IMAGE_FILES; i++)
		head.size[i] = (uint32_t)files[i].n;
	good = fwrite(&head, sizeof head, 1, stdout) == 1;
	for (int i = 0; good && i < IMAGE_FILES; i++)
		good = fwrite(files[i].p, files[i].n, 1, stdout) == 1;
	return good && fflush(stdout) == 0;
}

static int
usage(FILE *to, int status)
{
	fputs("usage: mxm-image [--memory BYTES] [--seconds N]\n"
	      "\n"
	      "Reads a picture from standard input and writes it to standard\n"
	      "output in the sizes that are served. Started by mxmd; see\n"
	      "mxm-image(8).\n",
	    to);
	return status;
}

/* -1: continue; else the exit status. */
static int
read_options(int argc, char **argv, int64_t *memory, int64_t *seconds)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "memory", required_argument, NULL, 'm' },
		{ "seconds", required_argument, NULL, 's' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'm':
			*memory = strtoll(optarg, NULL, 10);
			break;
		case 's':
			*seconds = strtoll(optarg, NULL, 10);
			break;
		case 'h':
			return usage(stdout, EX_OK);
		case 'V':
			puts("mxm-image " PACKAGE_VERSION);
			return EX_OK;
		default:
			return usage(stderr, EX_USAGE);
		}
	}
	if (optind < argc || *memory <= 0 || *seconds <= 0)
		return usage(stderr, EX_USAGE);
	return -1;
}

int
main(int argc, char **argv)
{
	int64_t memory = MEMORY_DEFAULT, seconds = SECONDS_DEFAULT;
	struct bytes in = { 0 }, out[IMAGE_FILES] = { 0 };
	int status = read_options(argc, argv, &memory, &seconds), e;

	if (status >= 0)
		return status;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
	    close_range(STDERR_FILENO + 1, ~0U, 0) != 0 ||
	    !set_limits(memory, seconds))
		return fail_host("set limits", errno);
	if (!start_vips(argv[0]))
		return fail_host("start libvips", ENOMEM);
	e = deny_the_rest();
	if (e)
		return fail_host("install the filter of system calls", e);
	if (!read_all(&in) || !convert(&in, out))
		status = EX_DATAERR;
	else
		status = write_files(out) ? EX_OK : fail_host("write", errno);
	/* Without the exit handlers of the libraries and of sanitizers, which
	 * the filter does not allow to run. */
	_exit(status);
}
