#include "lib/Memory/Place.h"

using namespace mlir;
using namespace mlir::nanochat;

int64_t mlir::nanochat::bytesOf(Type type) { return llvm::alignTo(denseBytes(type), 64); }

Place Place::map(llvm::function_ref<void(Place &)> change) const {
  if (choice)
    return choose(choice->loop, choice->when, choice->yes.map(change), choice->no.map(change));
  Place place = *this;
  change(place);
  return place;
}

bool Place::operator==(const Place &other) const {
  if (choice || other.choice)
    return choice && other.choice && choice->loop == other.choice->loop && choice->when == other.choice->when &&
           choice->yes == other.choice->yes && choice->no == other.choice->no;
  auto same = [](const Term &x, const Term &y) { return x.loop == y.loop && x.stride == y.stride; };
  return buffer == other.buffer && offset == other.offset && llvm::equal(terms, other.terms, same);
}

Place Place::at(int64_t bytes) const {
  return map([&](Place &place) { place.offset += bytes; });
}

Place Place::slice(LoopOp loop, int64_t bytes, int64_t from) const {
  return map([&](Place &place) {
    int64_t stride = place.strides.empty() ? bytes : place.strides.front();
    if (!place.strides.empty())
      place.strides.erase(place.strides.begin());
    place.offset += from * stride;
    place.terms.push_back({loop, stride});
  });
}

Place Place::stackOver(LoopOp loop) const {
  const auto *term = llvm::find_if(terms, [&](const Term &t) { return t.loop == loop; });
  if (choice || term == terms.end())
    return Place();
  Place place = *this;
  place.strides.insert(place.strides.begin(), term->stride);
  place.terms.erase(place.terms.begin() + (term - terms.begin()));
  return place;
}

Place Place::ahead(LoopOp loop) const {
  if (choice)
    return choose(choice->loop, choice->when, choice->yes.ahead(loop), choice->no.ahead(loop));
  const auto *term = llvm::find_if(terms, [&](const Term &t) { return t.loop == loop; });
  if (term == terms.end())
    return *this;
  int64_t stride = term->stride;
  Place first = *this;
  first.terms.erase(first.terms.begin() + (term - terms.begin()));
  if (loop.getReverse())
    first.offset += (int64_t(loop.getCount()) - 1) * stride;
  return choose(loop, When::isLast, first, at(loop.getReverse() ? -stride : stride));
}

Place Place::choose(LoopOp loop, When when, const Place &yes, const Place &no) {
  Place place;
  place.choice = std::make_shared<Choice>(Choice{loop, when, yes, no});
  return place;
}

void Place::forEachBuffer(llvm::function_ref<void(Buffer *)> visit) const {
  if (choice) {
    choice->yes.forEachBuffer(visit);
    choice->no.forEachBuffer(visit);
  } else if (buffer) {
    visit(buffer);
  }
}

int64_t mlir::nanochat::packArena(ArrayRef<Buffer *> buffers) {
  SmallVector<Buffer *> order(buffers);
  llvm::stable_sort(order, [](Buffer *x, Buffer *y) { return x->bytes > y->bytes; });
  SmallVector<Buffer *> placed;
  int64_t size = 0;
  for (Buffer *buffer : order) {
    if (buffer->first < 0)
      continue;
    int64_t offset = 0;
    // `placed` is sorted by offset: take the first gap among those alive at the same time.
    for (Buffer *other : placed) {
      if (other->last < buffer->first || buffer->last < other->first)
        continue;
      if (other->offset - offset >= buffer->bytes)
        break;
      offset = std::max(offset, other->offset + other->bytes);
    }
    buffer->offset = offset;
    size = std::max(size, offset + buffer->bytes);
    placed.insert(llvm::upper_bound(placed, buffer, [](Buffer *x, Buffer *y) { return x->offset < y->offset; }),
                  buffer);
  }
  return size;
}
