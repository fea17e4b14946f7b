#include "cli/text_painter.h"

#include <dlfcn.h>

#include <initializer_list>

namespace vecton::cli {

namespace {

// The functions that are used, by their C names; all objects are opaque to us.
struct Libraries {
  void* (*cairo_image_surface_create)(int format, int width, int height);
  void* (*cairo_create)(void* surface);
  void (*cairo_destroy)(void* context);
  void (*cairo_surface_destroy)(void* surface);
  void (*cairo_surface_flush)(void* surface);
  int (*cairo_surface_status)(void* surface);
  unsigned char* (*cairo_image_surface_get_data)(void* surface);
  int (*cairo_image_surface_get_stride)(void* surface);
  void (*cairo_move_to)(void* context, double x, double y);
  void* (*pango_cairo_create_layout)(void* context);
  void (*pango_cairo_show_layout)(void* context, void* layout);
  void* (*pango_font_description_from_string)(const char* text);
  void (*pango_font_description_set_absolute_size)(void* font, double size);
  void (*pango_font_description_free)(void* font);
  void (*pango_layout_set_font_description)(void* layout, void* font);
  void (*pango_layout_set_single_paragraph_mode)(void* layout, int on);
  void (*pango_layout_set_text)(void* layout, const char* text, int bytes);
  void (*pango_layout_get_pixel_size)(void* layout, int* width, int* height);
  int (*pango_layout_get_unknown_glyphs_count)(void* layout);
  void (*g_object_unref)(void* object);
  bool complete = false;
};

Libraries load() {
  Libraries all{};
  std::vector<void*> handles;
  for (const char* name :
       {"libcairo.so.2", "libpango-1.0.so.0", "libpangocairo-1.0.so.0", "libgobject-2.0.so.0"}) {
    void* handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!handle) return all;
    handles.push_back(handle);
  }
  bool found = true;
  const auto find = [&](auto& function, const char* name) {
    void* address = nullptr;
    for (void* handle : handles)
      if (!address) address = dlsym(handle, name);
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(address);
    found = found && address;
  };
#define FIND(name) find(all.name, #name)
  FIND(cairo_image_surface_create);
  FIND(cairo_create);
  FIND(cairo_destroy);
  FIND(cairo_surface_destroy);
  FIND(cairo_surface_flush);
  FIND(cairo_surface_status);
  FIND(cairo_image_surface_get_data);
  FIND(cairo_image_surface_get_stride);
  FIND(cairo_move_to);
  FIND(pango_cairo_create_layout);
  FIND(pango_cairo_show_layout);
  FIND(pango_font_description_from_string);
  FIND(pango_font_description_set_absolute_size);
  FIND(pango_font_description_free);
  FIND(pango_layout_set_font_description);
  FIND(pango_layout_set_single_paragraph_mode);
  FIND(pango_layout_set_text);
  FIND(pango_layout_get_pixel_size);
  FIND(pango_layout_get_unknown_glyphs_count);
  FIND(g_object_unref);
#undef FIND
  all.complete = found;
  return all;
}

const Libraries& libraries() {
  static const Libraries all = load();
  return all;
}

// An image of alpha alone, a drawing context and a layout of one text.
class PangoText {
 public:
  PangoText(const std::string& text, int size, int width, int height)
      : surface_(lib_.cairo_image_surface_create(kAlpha, width, height)),
        context_(lib_.cairo_create(surface_)),
        layout_(lib_.pango_cairo_create_layout(context_)) {
    void* font = lib_.pango_font_description_from_string("Sans");
    lib_.pango_font_description_set_absolute_size(font, size * kPangoScale);
    lib_.pango_layout_set_font_description(layout_, font);
    lib_.pango_font_description_free(font);
    lib_.pango_layout_set_single_paragraph_mode(layout_, 1);
    lib_.pango_layout_set_text(layout_, text.data(), static_cast<int>(text.size()));
    lib_.pango_layout_get_pixel_size(layout_, &width_, &height_);
  }
  ~PangoText() {
    lib_.g_object_unref(layout_);
    lib_.cairo_destroy(context_);
    lib_.cairo_surface_destroy(surface_);
  }
  PangoText(const PaintedText&) = delete;
  PangoText& operator=(const PaintedText&) = delete;

  int width() const { return width_; }
  int height() const { return height_; }
  int unknown() const { return lib_.pango_layout_get_unknown_glyphs_count(layout_); }

  std::vector<uint8_t> draw() {
    lib_.cairo_move_to(context_, 0, 0);
    lib_.pango_cairo_show_layout(context_, layout_);
    lib_.cairo_surface_flush(surface_);
    std::vector<uint8_t> pixels(static_cast<size_t>(width_) * static_cast<size_t>(height_));
    const unsigned char* rows = lib_.cairo_image_surface_get_data(surface_);
    if (!rows) return pixels;
    const int stride = lib_.cairo_image_surface_get_stride(surface_);
    for (int y = 0; y < height_; ++y) {
      for (int x = 0; x < width_; ++x)
        pixels[static_cast<size_t>(y) * width_ + x] = rows[static_cast<int64_t>(y) * stride + x];
    }
    return pixels;
  }

 private:
  static constexpr int kAlpha = 2;  // CAIRO_FORMAT_A8
  static constexpr double kPangoScale = 1024;

  const Libraries& lib_ = libraries();
  void* surface_;
  void* context_;
  void* layout_;
  int width_ = 0, height_ = 0;
};

}  // namespace

const TextPainter* TextPainter::get() {
  static const TextPainter painter;
  static const bool works = libraries().complete && !painter.paint("a", 16).coverage.empty();
  return works ? &painter : nullptr;
}

PaintedText TextPainter::paint(const std::string& text, int size) const {
  const PangoText measured(text, size, 1, 1);
  PaintedText painted{measured.width(), measured.height(), measured.unknown(), {}};
  if (painted.width <= 0 || painted.height <= 0) return painted;
  painted.coverage = PangoText(text, size, painted.width, painted.height).draw();
  return painted;
}

}  // namespace vecton::cli
