#include "gemmetry/run/safetensors.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/base/suggest.h"

namespace gemmetry::run {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

/// The format's own limit on the header.
constexpr std::uint64_t longest_header = 100'000'000;

struct StoredType {
  std::string_view name;
  std::int64_t bytes;
};

constexpr std::array types{StoredType{"F64", 8},  StoredType{"F32", 4},     StoredType{"F16", 2},
                           StoredType{"BF16", 2}, StoredType{"I64", 8},     StoredType{"I32", 4},
                           StoredType{"I16", 2},  StoredType{"I8", 1},      StoredType{"U64", 8},
                           StoredType{"U32", 4},  StoredType{"U16", 2},     StoredType{"U8", 1},
                           StoredType{"BOOL", 1}, StoredType{"F8_E4M3", 1}, StoredType{"F8_E5M2", 1}};

std::int64_t bytes_of(const std::string& place, const std::string& dtype) {
  for (const StoredType& type : types)
    if (type.name == dtype) return type.bytes;
  throw Error(fmt::format("{}: dtype '{}' is unknown; save it as F32, F16 or BF16", place, dtype));
}

/// The two offsets of a tensor's data, from the end of the header.
struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Range range_of(const std::string& place, const json& value) {
  const json offsets = value.value("data_offsets", json());
  const bool two = offsets.is_array() && offsets.size() == 2 && offsets[0].is_number_unsigned() &&
                   offsets[1].is_number_unsigned() && offsets[0] <= offsets[1];
  if (!two) throw Error(fmt::format("{}: data_offsets = {}: expected two ascending numbers", place, offsets.dump()));
  return {offsets[0].get<std::uint64_t>(), offsets[1].get<std::uint64_t>()};
}

std::vector<std::int64_t> shape_of(const std::string& place, const json& value) {
  const json sizes = value.value("shape", json());
  if (!sizes.is_array()) throw Error(fmt::format("{}: shape = {}: expected a list of sizes", place, sizes.dump()));
  std::vector<std::int64_t> shape;
  for (const json& size : sizes) {
    if (!size.is_number_unsigned() || size.get<std::uint64_t>() > std::uint64_t{1} << 40)
      throw Error(fmt::format("{}: shape = {}: expected sizes up to 2^40", place, sizes.dump()));
    shape.push_back(size.get<std::int64_t>());
  }
  return shape;
}

/// Bytes of a tensor of that shape; Error past 2^62.
std::uint64_t stored_bytes(const std::string& place, const StoredTensor& tensor, std::int64_t element) {
  std::int64_t bytes = element;
  for (const std::int64_t size : tensor.shape)
    if (__builtin_mul_overflow(bytes, size, &bytes))
      throw Error(
          fmt::format("{}: shape {} is more than 2^63 bytes; write the file again", place, tensor.shape_text()));
  return static_cast<std::uint64_t>(bytes);
}

/// Tensors that share bytes are a damaged or a hostile file.
void refuse_overlaps(const std::string& file, std::vector<std::pair<Range, std::string>> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.begin, a.first.end) < std::pair(b.first.begin, b.first.end);
  });
  for (std::size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i].first.begin < ranges[i - 1].first.end)
      throw Error(fmt::format("{}: tensors '{}' and '{}' overlap: bytes {} to {} belong to both; download it again",
                              file, ranges[i - 1].second, ranges[i].second, ranges[i].first.begin,
                              std::min(ranges[i].first.end, ranges[i - 1].first.end)));
}

}  // namespace

/// A file's bytes as the system maps them: read when they are touched.
class Safetensors::Mapping {
 public:
  explicit Mapping(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw Error(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
    struct stat about = {};
    const bool regular = ::fstat(file, &about) == 0 && S_ISREG(about.st_mode);
    size_ = regular ? static_cast<std::size_t>(about.st_size) : 0;
    if (size_ > 0) data_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
    const int problem = errno;
    ::close(file);
    if (!regular) throw Error(fmt::format("{}: is no file; name a .safetensors file or its folder", path));
    if (data_ == MAP_FAILED) throw Error(fmt::format("{}: cannot be mapped: {}", path, std::strerror(problem)));
  }
  ~Mapping() {
    if (size_ > 0) ::munmap(data_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

std::int64_t StoredTensor::elements() const {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return count;
}

measure::Element StoredTensor::element() const {
  if (dtype == "F32") return measure::Element::fp32;
  if (dtype == "F16") return measure::Element::fp16;
  if (dtype == "BF16") return measure::Element::bf16;
  throw Error(fmt::format("{}: tensor '{}' is of dtype {}; convert it to F32, F16 or BF16", file, name, dtype));
}

std::string StoredTensor::shape_text() const { return fmt::format("[{}]", fmt::join(shape, ", ")); }

Safetensors::Safetensors(const std::string& path) : source_(path) {
  const fs::path given(path);
  std::error_code failure;
  if (!fs::is_directory(given, failure)) {
    given.extension() == ".json" ? read_index(path) : read_file(path);
  } else if (fs::exists(given / "model.safetensors", failure)) {
    read_file((given / "model.safetensors").string());
  } else if (fs::exists(given / "model.safetensors.index.json", failure)) {
    read_index((given / "model.safetensors.index.json").string());
  } else {
    throw Error(fmt::format("{}: the folder has neither model.safetensors nor model.safetensors.index.json", path));
  }
}

void Safetensors::read_file(const std::string& path) {
  const auto mapping = std::make_shared<const Mapping>(path);
  const std::span<const std::byte> bytes = mapping->bytes();
  std::uint64_t header = 0;
  if (bytes.size() < sizeof header)
    throw Error(
        fmt::format("{}: truncated: {} bytes, less than a header's length; download it again", path, bytes.size()));
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header > longest_header)
    throw Error(fmt::format("{}: a header of {} bytes: this is no safetensors file", path, header));
  const std::size_t before = sizeof header + static_cast<std::size_t>(header);
  if (before > bytes.size())
    throw Error(fmt::format("{}: truncated: the header ends at byte {}, the file at {}; download it again", path,
                            before, bytes.size()));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + sizeof header,
                              static_cast<std::size_t>(header));
  const json document = parse_json(text, path);
  if (!document.is_object()) throw Error(fmt::format("{}: the header is no JSON object", path));

  const std::span<const std::byte> data = bytes.subspan(before);
  std::vector<std::pair<Range, std::string>> ranges;
  for (const auto& [name, value] : document.items()) {
    if (name == "__metadata__") continue;
    const std::string place = fmt::format("{}: tensor '{}'", path, name);
    if (!value.is_object() || !value.contains("dtype") || !value["dtype"].is_string())
      throw Error(fmt::format("{}: has no dtype; download the file again", place));
    StoredTensor tensor{name, value["dtype"].get<std::string>(), shape_of(place, value), {}, path};
    const Range range = range_of(place, value);
    const std::uint64_t wanted = stored_bytes(place, tensor, bytes_of(place, tensor.dtype));
    if (range.end > data.size())
      throw Error(fmt::format("{}: ends at byte {} of the data, which has {}: the file is truncated; download it again",
                              place, range.end, data.size()));
    if (range.end - range.begin != wanted)
      throw Error(fmt::format("{}: has {} bytes, but {} of {} are {}; download the file again", place,
                              range.end - range.begin, tensor.shape_text(), tensor.dtype, wanted));
    tensor.data = data.subspan(static_cast<std::size_t>(range.begin), static_cast<std::size_t>(wanted));
    if (wanted > 0) ranges.emplace_back(range, name);
    if (!tensors_.emplace(name, std::move(tensor)).second)
      throw Error(fmt::format("{}: is in another file too; remove one of them", place));
  }
  refuse_overlaps(path, std::move(ranges));
  mappings_.push_back(mapping);
}

void Safetensors::read_index(const std::string& path) {
  const json document = parse_json(read_text_file(path), path);
  const JsonObject index(document, path);
  const json& places = index.raw("weight_map");
  if (!places.is_object()) index.fail("weight_map", "expected an object from tensor to file");
  std::set<std::string> files;
  for (const auto& [tensor, file] : places.items()) {
    // A name, not a path: an index does not reach out of its folder.
    if (!file.is_string() || fs::path(file.get<std::string>()).filename() != file.get<std::string>())
      throw Error(fmt::format("{}: weight_map.{} = {}: expected the name of a file beside the index", path, tensor,
                              file.dump()));
    files.insert(file.get<std::string>());
  }
  for (const std::string& file : files) read_file((fs::path(path).parent_path() / file).string());
  for (const auto& [tensor, file] : places.items())
    if (!find(tensor))
      throw Error(
          fmt::format("{}: tensor '{}' is not in {}, where the index has it", path, tensor, file.get<std::string>()));
}

const StoredTensor* Safetensors::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

const StoredTensor& Safetensors::at(std::string_view name) const {
  if (const StoredTensor* found = find(name)) return *found;
  std::vector<std::string> names;
  for (const auto& [one, tensor] : tensors_) names.push_back(one);
  throw Error(fmt::format("{}: tensor '{}' is missing{}; the config is another model's", source_, name,
                          did_you_mean(std::string(name), names)));
}

}  // namespace gemmetry::run
