// Tries the libraries of scripts/vendored.sh: every depth of x264 and x265 without loss, decoded by FFmpeg; zimg and soxr; and the
// presence of what Trix asks FFmpeg for. `check` prints one line for each and returns the number of failures.

#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswresample/swresample.h>
#include <x264.h>
#include <x265.h>

#include "lists.h" // encoders, muxers and filters of recipes.sh

enum { WIDTH = 128, HEIGHT = 96, MOST = 1 << 20 };

static int failures;

static void report(int good, const char *format, ...) {
    va_list values;
    va_start(values, format);
    printf("%s  ", good ? "ok    " : "FAILED");
    vprintf(format, values);
    printf("\n");
    va_end(values);
    failures += !good;
}

// 4:2:0 of a depth, planes one after the other. Samples above 8 bits have two bytes.
struct image {
    int depth;
    uint8_t samples[WIDTH * HEIGHT * 3];
};

static int bytes(const struct image *image) { return image->depth > 8 ? 2 : 1; }
static int width(int plane) { return plane ? WIDTH / 2 : WIDTH; }
static int height(int plane) { return plane ? HEIGHT / 2 : HEIGHT; }

static uint8_t *plane_of(struct image *image, int plane) {
    int before = plane == 0 ? 0 : WIDTH * HEIGHT + (plane - 1) * (WIDTH / 2) * (HEIGHT / 2);
    return image->samples + before * bytes(image);
}

// Values that use all bits.
static struct image image_of(int depth) {
    struct image image = {.depth = depth};
    for (int plane = 0; plane < 3; plane++) {
        uint8_t *samples = plane_of(&image, plane);
        for (int at = 0; at < width(plane) * height(plane); at++) {
            uint16_t value = (uint16_t)((at * 2654435761u) >> (32 - depth));
            memcpy(samples + at * bytes(&image), &value, (size_t)bytes(&image));
        }
    }
    return image;
}

static int equals(struct image *image, const AVFrame *frame) {
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    if (frame->width != WIDTH || frame->height != HEIGHT || format->comp[0].depth != image->depth) return 0;
    for (int plane = 0; plane < 3; plane++) {
        size_t row = (size_t)(width(plane) * bytes(image));
        for (int y = 0; y < height(plane); y++)
            if (memcmp(plane_of(image, plane) + row * y, frame->data[plane] + frame->linesize[plane] * y, row)) return 0;
    }
    return 1;
}

// True if the stream decodes to the image.
static int decodes_to(enum AVCodecID id, uint8_t *stream, int size, struct image *image) {
    const AVCodec *decoder = avcodec_find_decoder(id);
    AVCodecContext *context = avcodec_alloc_context3(decoder);
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    packet->data = stream;
    packet->size = size;
    int good = avcodec_open2(context, decoder, NULL) == 0 && avcodec_send_packet(context, packet) == 0 &&
               avcodec_send_packet(context, NULL) == 0 && avcodec_receive_frame(context, frame) == 0 &&
               equals(image, frame);
    packet->data = NULL;
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&context);
    return good;
}

static uint8_t stream[MOST + AV_INPUT_BUFFER_PADDING_SIZE];

static int append(int size, const uint8_t *bytes, int count) {
    if (size < 0 || count < 0 || size + count > MOST) return -1;
    memcpy(stream + size, bytes, (size_t)count);
    return size + count;
}

static void try_x264(int depth) {
    struct image image = image_of(depth);
    x264_param_t parameters;
    x264_picture_t in, out;
    x264_nal_t *units;
    int count, size = 0;
    x264_param_default_preset(&parameters, "medium", NULL);
    parameters.i_width = WIDTH;
    parameters.i_height = HEIGHT;
    parameters.i_bitdepth = depth;
    parameters.i_csp = X264_CSP_I420 | (depth > 8 ? X264_CSP_HIGH_DEPTH : 0);
    parameters.i_log_level = X264_LOG_ERROR;
    parameters.rc.i_rc_method = X264_RC_CQP;
    parameters.rc.i_qp_constant = 0;
    x264_t *encoder = x264_encoder_open(&parameters);
    if (encoder) {
        x264_picture_init(&in);
        in.img.i_csp = parameters.i_csp;
        in.img.i_plane = 3;
        for (int plane = 0; plane < 3; plane++) {
            in.img.plane[plane] = plane_of(&image, plane);
            in.img.i_stride[plane] = width(plane) * bytes(&image);
        }
        int got = x264_encoder_encode(encoder, &units, &count, &in, &out);
        for (;;) {
            if (got > 0) size = append(size, units[0].p_payload, got);
            if (got < 0 || !x264_encoder_delayed_frames(encoder)) break;
            got = x264_encoder_encode(encoder, &units, &count, NULL, &out);
        }
        x264_encoder_close(encoder);
    }
    int good = size > 0 && decodes_to(AV_CODEC_ID_H264, stream, size, &image);
    report(good, "x264 %s, %d bits: %d bytes", X264_POINTVER, depth, size);
}

static void try_x265(int depth) {
    struct image image = image_of(depth);
    const x265_api *api = x265_api_get(depth);
    if (!api || api->bit_depth != depth) {
        report(0, "x265, %d bits: is not in the library", depth);
        return;
    }
    x265_param *parameters = api->param_alloc();
    x265_picture *in = api->picture_alloc(), *out = api->picture_alloc();
    x265_nal *units;
    uint32_t count;
    int size = 0;
    api->param_default_preset(parameters, "medium", NULL);
    parameters->sourceWidth = WIDTH;
    parameters->sourceHeight = HEIGHT;
    parameters->fpsNum = 25;
    parameters->fpsDenom = 1;
    parameters->internalCsp = X265_CSP_I420;
    parameters->bLossless = 1;
    parameters->bRepeatHeaders = 1;
    parameters->bAnnexB = 1;
    parameters->logLevel = X265_LOG_ERROR;
    x265_encoder *encoder = api->encoder_open(parameters);
    if (encoder) {
        api->picture_init(parameters, in);
        in->bitDepth = depth;
        in->colorSpace = X265_CSP_I420;
        for (int plane = 0; plane < 3; plane++) {
            in->planes[plane] = plane_of(&image, plane);
            in->stride[plane] = width(plane) * bytes(&image);
        }
        int got = api->encoder_encode(encoder, &units, &count, in, out);
        for (int rest = 1; got >= 0 && rest;) {
            for (uint32_t unit = 0; got > 0 && unit < count; unit++)
                size = append(size, units[unit].payload, (int)units[unit].sizeBytes);
            got = api->encoder_encode(encoder, &units, &count, NULL, out);
            rest = got > 0;
        }
        api->encoder_close(encoder);
    }
    int good = size > 0 && decodes_to(AV_CODEC_ID_HEVC, stream, size, &image);
    report(good, "x265 %s, %d bits: %d bytes, %s", api->version_str, depth, size, api->build_info_str);
    api->picture_free(in);
    api->picture_free(out);
    api->param_free(parameters);
}

// zimg makes 16 bits of 8. Full range: 255 becomes 65535.
static void try_zimg(void) {
    AVFilterGraph *graph = avfilter_graph_alloc();
    AVFilterContext *source = NULL, *sink = NULL;
    AVFilterInOut *in = NULL, *out = NULL;
    AVFrame *frame = av_frame_alloc();
    int good = 0;
    const char *shape = "video_size=64x64:pix_fmt=yuv444p:time_base=1/25:colorspace=bt709:range=pc";
    // Without this, libavfilter may put swscale beside the filter.
    avfilter_graph_set_auto_convert(graph, AVFILTER_AUTO_CONVERT_NONE);
    frame->width = frame->height = 64;
    frame->format = AV_PIX_FMT_YUV444P;
    frame->color_range = AVCOL_RANGE_JPEG;
    frame->colorspace = AVCOL_SPC_BT709;
    if (avfilter_graph_create_filter(&source, avfilter_get_by_name("buffer"), "in", shape, NULL, graph) >= 0 &&
        avfilter_graph_create_filter(&sink, avfilter_get_by_name("buffersink"), "out", NULL, NULL, graph) >= 0 &&
        avfilter_graph_parse2(graph, "zscale=w=64:h=64:rin=full:r=full,format=pix_fmts=yuv444p16le", &in, &out) >= 0 &&
        avfilter_link(source, 0, in->filter_ctx, (unsigned)in->pad_idx) >= 0 &&
        avfilter_link(out->filter_ctx, (unsigned)out->pad_idx, sink, 0) >= 0 && avfilter_graph_config(graph, NULL) >= 0 &&
        av_frame_get_buffer(frame, 0) >= 0) {
        for (int plane = 0; plane < 3; plane++) memset(frame->data[plane], 0xff, (size_t)(frame->linesize[plane] * 64));
        if (av_buffersrc_add_frame(source, frame) >= 0 && av_buffersink_get_frame(sink, frame) >= 0)
            good = frame->format == AV_PIX_FMT_YUV444P16LE && ((uint16_t *)frame->data[0])[0] == 0xffff;
    }
    report(good, "zimg: depth conversion by zscale");
    avfilter_inout_free(&in);
    avfilter_inout_free(&out);
    av_frame_free(&frame);
    avfilter_graph_free(&graph);
}

// soxr makes 48 kHz of 44.1 kHz.
static void try_soxr(void) {
    SwrContext *context = NULL;
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    static float in[44100], out[48000];
    const uint8_t *from[] = {(uint8_t *)in};
    uint8_t *to[] = {(uint8_t *)out};
    for (int at = 0; at < 44100; at++) in[at] = 0.5f;
    int good = swr_alloc_set_opts2(&context, &mono, AV_SAMPLE_FMT_FLTP, 48000, &mono, AV_SAMPLE_FMT_FLTP, 44100, 0, NULL) == 0 &&
               av_opt_set(context, "resampler", "soxr", 0) == 0 && swr_init(context) == 0;
    int count = good ? swr_convert(context, to, 48000, from, 44100) : 0;
    good = good && count > 40000 && out[count / 2] > 0.499f && out[count / 2] < 0.501f;
    report(good, "soxr: %d samples at 48 kHz", count);
    swr_free(&context);
}

static void try_decoder(const char *name) { report(avcodec_find_decoder_by_name(name) != NULL, "decoder %s", name); }
static void try_encoder(const char *name) { report(avcodec_find_encoder_by_name(name) != NULL, "encoder %s", name); }

__attribute__((visibility("default"))) int check(void) {
    printf("        FFmpeg %s, %s\n", av_version_info(), avcodec_license());
    for (int depth = 8; depth <= 10; depth += 2) try_x264(depth);
    for (int depth = 8; depth <= 12; depth += 2) try_x265(depth);
    try_zimg();
    try_soxr();
    const char *decoders[] = {"libdav1d", "libvpx", "libvpx-vp9", "png", "prores", "dnxhd", "jpeg2000", "vp9", "opus", "vvc"};
    for (size_t at = 0; at < sizeof decoders / sizeof *decoders; at++) try_decoder(decoders[at]);
    for (size_t at = 0; at < sizeof encoders / sizeof *encoders; at++) try_encoder(encoders[at]);
    for (size_t at = 0; at < sizeof filters / sizeof *filters; at++)
        report(avfilter_get_by_name(filters[at]) != NULL, "filter %s", filters[at]);
    for (size_t at = 0; at < sizeof muxers / sizeof *muxers; at++)
        report(av_guess_format(muxers[at], NULL, NULL) != NULL, "muxer %s", muxers[at]);
    fflush(stdout);
    return failures;
}
