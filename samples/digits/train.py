"""Train the sample's classifier: softmax regression on 8x8 digits, its weights rounded to bf16.

Plain gradient descent over all images in float64 from zero, so there is no seed; with the L2 term
the problem has one minimum and rounding differences between machines die out long before bf16 sees
them. It reads `pixels.npy` and `labels.npy` beside it and writes `weights.npy`, `weights_bf16.npy`
and `bias.npy` there. Columns 10..15 only fill up the 16 lanes: their bias never lets them win.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).resolve().parent
CLASSES = 10
LANES = 16
PIXEL_SCALE = 16.0  # pixels are 0..16; the division is exact, so it moves into the weights
UNUSED_BIAS = -1000.0

STEPS = 4000
STEP_SIZE = 1.0
L2 = 1e-4


def main() -> None:
    """Train, write the files, and print how many of the images the bf16 weights classify."""
    pixels = np.load(FOLDER / "pixels.npy")
    labels = np.load(FOLDER / "labels.npy")
    trained_weights, trained_bias = train(pixels / PIXEL_SCALE, labels)

    weights = np.zeros((pixels.shape[1], LANES), np.float32)
    weights[:, :CLASSES] = trained_weights / PIXEL_SCALE
    weights = round_to_bf16(weights)
    bias = np.full(LANES, UNUSED_BIAS, np.float32)
    bias[:CLASSES] = trained_bias

    np.save(FOLDER / "weights.npy", weights)
    np.save(FOLDER / "weights_bf16.npy", (weights.view(np.uint32) >> 16).astype(np.uint16))
    np.save(FOLDER / "bias.npy", bias)

    predicted = (pixels.astype(np.float32) @ weights + bias).argmax(axis=1)
    correct = int((predicted == labels).sum())
    print(f"{correct} of {len(labels)} images right with bf16 weights: {correct / len(labels):.4f}")


def train(
    images: NDArray[np.float64], labels: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights (features x classes) and bias (classes) that minimise cross-entropy + L2."""
    expected = np.eye(CLASSES)[labels]
    weights = np.zeros((images.shape[1], CLASSES))
    bias = np.zeros(CLASSES)
    for _ in range(STEPS):
        logits = images @ weights + bias
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        slope = (probabilities - expected) / len(images)
        weights -= STEP_SIZE * (images.T @ slope + L2 * weights)
        bias -= STEP_SIZE * slope.sum(axis=0)
    return weights, bias


def round_to_bf16(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the nearest values that bf16 holds, ties to even, still as float32."""
    bits = values.view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)
    return (rounded & np.uint32(0xFFFF0000)).view(np.float32)


if __name__ == "__main__":
    main()
