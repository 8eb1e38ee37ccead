"""Points drawn by OpenGL into a picture, in a context of its own without a window.

A widget with OpenGL inside makes Qt compose the whole window through OpenGL, goes blank when a
dock floats unless contexts are shared, and must exist before the window is shown. Drawing into a
framebuffer object and reading it back avoids all that; the reading costs 0.4 ms at 900 x 700.

Works with OpenGL 2.1 and OpenGL ES 2: a vertex buffer, one shader, alpha blending from back to
front.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize
from PySide6.QtGui import (
    QImage,
    QMatrix4x4,
    QOffscreenSurface,
    QOpenGLContext,
    QSurfaceFormat,
    QVector2D,
    QVector4D,
)
from PySide6.QtOpenGL import (
    QOpenGLBuffer,
    QOpenGLFramebufferObject,
    QOpenGLShader,
    QOpenGLShaderProgram,
)
from shiboken6 import VoidPtr

from gui.widgets.point_cloud.camera import Camera
from gui.widgets.point_cloud.renderer import LARGEST, SMALLEST, Look, RendererError, back_to_front

# From the OpenGL specification; PyOpenGL would take 0.3 s to import for these.
GL_POINTS = 0x0000
GL_ONE = 1
GL_ONE_MINUS_SRC_ALPHA = 0x0303
GL_DEPTH_TEST = 0x0B71
GL_BLEND = 0x0BE2
GL_UNSIGNED_BYTE = 0x1401
GL_UNSIGNED_INT = 0x1405
GL_FLOAT = 0x1406
GL_RENDERER = 0x1F01
GL_COLOR_BUFFER_BIT = 0x4000
GL_PROGRAM_POINT_SIZE = 0x8642

POSITION, COLOR = 0, 1
EMULATORS = ("llvmpipe", "softpipe", "swrast", "swiftshader", "microsoft basic", "gdi generic")

# A software OpenGL spends its time on what is handed from vertex to fragment and on what each
# fragment computes. So a vertex does all it can: the fragment's cover is one product. And points
# aren't sprites (llvmpipe draws plain points as rectangles, sprites by four edges each), so a
# fragment finds the centre of its disc in a varying instead of gl_PointCoord. Measured together:
# a third less time a frame.
VERTEX = """
attribute highp vec3 position;
attribute lowp vec4 color;
uniform highp mat4 clip;
uniform highp vec4 size;  // pixels at depth 1, least, most
uniform highp vec4 fade;  // near, 1 / (far - near), 1 - opacity at far
uniform highp vec2 half_screen;
varying highp vec4 disc;
varying lowp vec4 paint;
void main() {
    gl_Position = clip * vec4(position, 1.0);
    highp float depth = gl_Position.w;
    highp float diameter = clamp(size.x / depth, size.y, size.z);
    // Plain points lie on whole pixels. This many are enough for the disc and its soft rim,
    // wherever in a pixel its centre is.
    gl_PointSize = ceil(diameter) + 1.0;
    // A pixel at a distance of r is covered by 0.5 + (R - r), or nearly so by
    // 0.5 + (R * R - r * r) / (2 * R), which needs no root.
    disc.xy = (gl_Position.xy / depth + 1.0) * half_screen;
    disc.z = 0.5 + 0.25 * diameter;
    disc.w = 1.0 / diameter;
    paint = vec4(color.rgb, 1.0) * (1.0 - fade.z * clamp((depth - fade.x) * fade.y, 0.0, 1.0));
}
"""
FRAGMENT = """
varying highp vec4 disc;
varying lowp vec4 paint;
void main() {
    highp vec2 away = gl_FragCoord.xy - disc.xy;
    gl_FragColor = paint * clamp(disc.z - disc.w * dot(away, away), 0.0, 1.0);
}
"""


class GLRenderer:
    """Draws with the graphics card, or with what Mesa puts in its place.

    Raises:
        RendererError: OpenGL can't be had here.
    """

    name = "OpenGL"

    def __init__(self) -> None:
        self._points = np.empty((0, 3), dtype=np.float32)
        self._n_colors = 0
        self._ratio = 1.0
        self._fbo: QOpenGLFramebufferObject | None = None
        wanted = QSurfaceFormat()
        wanted.setVersion(2, 1)
        self._context = QOpenGLContext()
        self._context.setFormat(wanted)
        if not self._context.create():
            raise RendererError("an OpenGL context can't be created")
        self._surface = QOffscreenSurface()
        self._surface.setFormat(self._context.format())
        self._surface.create()
        self._make_current()
        self._gl = self._context.functions()
        self._program = self._build_program()
        self._uniforms = {
            name: self._program.uniformLocation(name)
            for name in ("clip", "size", "fade", "half_screen")
        }
        self._position_buffer = self._buffer(QOpenGLBuffer.Type.VertexBuffer)
        self._color_buffer = self._buffer(QOpenGLBuffer.Type.VertexBuffer)
        self._order_buffer = self._buffer(QOpenGLBuffer.Type.IndexBuffer)
        self._context.doneCurrent()

    @property
    def device(self) -> str:
        """What draws, in the driver's words."""
        self._make_current()
        return str(self._gl.glGetString(GL_RENDERER))

    @property
    def emulated(self) -> bool:
        """Whether the processor does the graphics card's work."""
        return any(name in self.device.lower() for name in EMULATORS)

    def set_points(self, points_N3: NDArray[np.float32]) -> None:
        self._points = np.ascontiguousarray(points_N3, dtype=np.float32)
        self._make_current()
        _write(self._position_buffer, self._points)

    def set_colors(self, rgb_N3: NDArray[np.uint8]) -> None:
        # Four bytes a point: OpenGL reads attributes at multiples of four.
        rgba = np.full((len(rgb_N3), 4), 255, dtype=np.uint8)
        rgba[:, :3] = rgb_N3
        self._n_colors = len(rgba)
        self._make_current()
        _write(self._color_buffer, rgba)

    def start(
        self, camera: Camera, look: Look, width: int, height: int, ratio: float = 1.0
    ) -> None:
        self._make_current()
        self._ratio = ratio
        size = QSize(max(1, round(width * ratio)), max(1, round(height * ratio)))
        if self._fbo is None or self._fbo.size() != size:
            self._fbo = QOpenGLFramebufferObject(size)
        if not self._fbo.bind():
            raise RendererError("OpenGL can't draw into a picture of this size")
        gl = self._gl
        gl.glViewport(0, 0, size.width(), size.height())
        red, green, blue = (value / 255 for value in look.background)
        gl.glClearColor(red, green, blue, 1.0)
        gl.glClear(GL_COLOR_BUFFER_BIT)
        if len(self._points) and self._n_colors == len(self._points):
            self._draw(camera, look, width, height, ratio)
        gl.glFlush()

    def finish(self) -> QImage:
        self._make_current()
        image = QImage() if self._fbo is None else self._fbo.toImage(False)
        if self._fbo is not None:
            self._fbo.release()
        if image.isNull():
            raise RendererError("OpenGL gave no picture back")
        # Nothing shows through it: so said, it is copied to the screen and not blended.
        image.reinterpretAsFormat(QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(self._ratio)
        return image

    def close(self) -> None:
        if not self._context.isValid() or not self._context.makeCurrent(self._surface):
            return
        self._fbo = None
        for buffer in (self._position_buffer, self._color_buffer, self._order_buffer):
            buffer.destroy()
        self._program.removeAllShaders()
        self._context.doneCurrent()
        self._surface.destroy()

    # ------------------------------------------------------------------------- inside

    def _draw(self, camera: Camera, look: Look, width: int, height: int, ratio: float) -> None:
        gl, program, at = self._gl, self._program, self._uniforms
        clip = camera.matrix(width, height)
        order = back_to_front(self._points @ clip[3, :3]).astype(np.uint32)
        _write(self._order_buffer, order)
        # OpenGL counts rows from below and pictures from above.
        clip[1] *= -1
        gl.glDisable(GL_DEPTH_TEST)
        gl.glEnable(GL_BLEND)
        gl.glBlendFunc(GL_ONE, GL_ONE_MINUS_SRC_ALPHA)
        if not self._context.isOpenGLES():
            gl.glEnable(GL_PROGRAM_POINT_SIZE)
        program.bind()
        scale = look.size * camera.distance * ratio
        most = LARGEST * look.size * ratio
        span = max(look.far - look.near, 1e-9)
        program.setUniformValue(at["clip"], QMatrix4x4(*clip.ravel().tolist()))
        program.setUniformValue(at["size"], QVector4D(scale, SMALLEST * ratio, most, 0))
        program.setUniformValue(at["fade"], QVector4D(look.near, 1 / span, 1 - look.faded, 0))
        program.setUniformValue(at["half_screen"], QVector2D(width * ratio / 2, height * ratio / 2))
        for buffer, place, kind, n in (
            (self._position_buffer, POSITION, GL_FLOAT, 3),
            (self._color_buffer, COLOR, GL_UNSIGNED_BYTE, 4),
        ):
            buffer.bind()
            program.enableAttributeArray(place)
            program.setAttributeBuffer(place, kind, 0, n)
        self._order_buffer.bind()
        # The stubs say int, PySide 6.11 takes nothing but a pointer.
        n_points = len(order)
        gl.glDrawElements(GL_POINTS, n_points, GL_UNSIGNED_INT, VoidPtr(0))  # type: ignore[arg-type]
        program.disableAttributeArray(POSITION)
        program.disableAttributeArray(COLOR)
        program.release()

    def _make_current(self) -> None:
        if not self._context.makeCurrent(self._surface):
            raise RendererError("the OpenGL context can't be used")

    def _build_program(self) -> QOpenGLShaderProgram:
        version = "" if self._context.isOpenGLES() else "#version 120\n"
        kinds = QOpenGLShader.ShaderTypeBit
        program = QOpenGLShaderProgram()
        program.bindAttributeLocation("position", POSITION)
        program.bindAttributeLocation("color", COLOR)
        if not (
            program.addShaderFromSourceCode(kinds.Vertex, version + VERTEX)
            and program.addShaderFromSourceCode(kinds.Fragment, version + FRAGMENT)
            and program.link()
        ):
            raise RendererError(f"OpenGL refused the shader: {program.log().strip()}")
        return program

    def _buffer(self, kind: QOpenGLBuffer.Type) -> QOpenGLBuffer:
        buffer = QOpenGLBuffer(kind)
        if not buffer.create():
            raise RendererError("OpenGL gave no buffer")
        buffer.setUsagePattern(QOpenGLBuffer.UsagePattern.DynamicDraw)
        return buffer


def _write(buffer: QOpenGLBuffer, array: NDArray) -> None:
    buffer.bind()
    if buffer.size() != array.nbytes:
        buffer.allocate(array.tobytes(), array.nbytes)
    else:
        buffer.write(0, array.tobytes(), array.nbytes)  # type: ignore[arg-type]  # stubs: int
    buffer.release()
