// From a picture's file to what a model reads of it: the place where the engine meets src/media.
#pragma once

#include "engine/images.h"
#include "engine/plan.h"

namespace vecton::engine {

// As the checkpoint's preprocessor_config.json or processor_config.json says; errors name the file
// and the key. Without either file every picture is refused, and texts are read as ever. Nothing
// for a model that reads no images. `options` says where pictures may lie.
PictureReader make_picture_reader(const Plan& plan, const EngineOptions& options);

}  // namespace vecton::engine
