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
    QVector4D,
)
from PySide6.QtOpenGL import (
    QOpenGLBuffer,
    QOpenGLFramebufferObject,
    QOpenGLShader,
    QOpenGLShaderProgram,
)
from shiboken6 import VoidPtr

from gui.widgets.camera import Camera
from gui.widgets.point_cloud import LARGEST, SMALLEST, Look, RendererError, back_to_front

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
GL_POINT_SPRITE = 0x8861

POSITION, COLOR = 0, 1

# Size and fading depend on the depth, which a fragment has as 1 / gl_FragCoord.w: what is handed
# from vertex to fragment costs a software OpenGL a fifth of the frame, so only the colour is.
VERTEX = """
attribute highp vec3 position;
attribute lowp vec4 color;
uniform highp mat4 clip;
uniform highp vec4 size;  // pixels at depth 1, least, most
varying lowp vec3 point_color;
void main() {
    gl_Position = clip * vec4(position, 1.0);
    gl_PointSize = clamp(size.x / gl_Position.w, size.y, size.z) + 1.0;
    point_color = color.rgb;
}
"""
FRAGMENT = """
varying lowp vec3 point_color;
uniform highp vec4 size;
uniform highp vec4 fade;  // near, 1 / (far - near), 1 - opacity at far
void main() {
    highp float nearness = gl_FragCoord.w;
    highp float diameter = clamp(size.x * nearness, size.y, size.z);
    highp float radius = length(gl_PointCoord - 0.5) * (diameter + 1.0);
    highp float cover = clamp(0.5 * diameter + 0.5 - radius, 0.0, 1.0);
    highp float far = clamp((1.0 / nearness - fade.x) * fade.y, 0.0, 1.0);
    gl_FragColor = vec4(point_color, 1.0) * (cover * (1.0 - far * fade.z));
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
        self._clip = self._program.uniformLocation("clip")
        self._size = self._program.uniformLocation("size")
        self._fade = self._program.uniformLocation("fade")
        self._position_buffer = self._buffer(QOpenGLBuffer.Type.VertexBuffer)
        self._color_buffer = self._buffer(QOpenGLBuffer.Type.VertexBuffer)
        self._order_buffer = self._buffer(QOpenGLBuffer.Type.IndexBuffer)
        self._n_colors = 0
        self._context.doneCurrent()

    @property
    def device(self) -> str:
        """What draws, in the driver's words."""
        self._make_current()
        return str(self._gl.glGetString(GL_RENDERER))

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

    def render(
        self, camera: Camera, look: Look, width: int, height: int, ratio: float = 1.0
    ) -> QImage:
        self._make_current()
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
        image = self._fbo.toImage(False)
        self._fbo.release()
        if image.isNull():
            raise RendererError("OpenGL gave no picture back")
        image.setDevicePixelRatio(ratio)
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
        gl, program = self._gl, self._program
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
            gl.glEnable(GL_POINT_SPRITE)
        program.bind()
        program.setUniformValue(self._clip, QMatrix4x4(*clip.ravel().tolist()))
        program.setUniformValue(
            self._size,
            QVector4D(
                look.size * camera.distance * ratio,
                SMALLEST * ratio,
                LARGEST * look.size * ratio,
                0,
            ),
        )
        program.setUniformValue(
            self._fade,
            QVector4D(look.near, 1 / max(look.far - look.near, 1e-9), 1 - look.faded, 0),
        )
        self._position_buffer.bind()
        program.enableAttributeArray(POSITION)
        program.setAttributeBuffer(POSITION, GL_FLOAT, 0, 3)
        self._color_buffer.bind()
        program.enableAttributeArray(COLOR)
        program.setAttributeBuffer(COLOR, GL_UNSIGNED_BYTE, 0, 4)
        self._order_buffer.bind()
        # The stubs say int, PySide 6.11 takes nothing but a pointer.
        gl.glDrawElements(GL_POINTS, len(order), GL_UNSIGNED_INT, VoidPtr(0))  # type: ignore[arg-type]
        program.disableAttributeArray(POSITION)
        program.disableAttributeArray(COLOR)
        program.release()

    def _make_current(self) -> None:
        if not self._context.makeCurrent(self._surface):
            raise RendererError("the OpenGL context can't be used")

    def _build_program(self) -> QOpenGLShaderProgram:
        # gl_PointCoord came with GLSL 1.20; OpenGL ES 2 has it in its first version.
        version = "" if self._context.isOpenGLES() else "#version 120\n"
        program = QOpenGLShaderProgram()
        vertex, fragment = QOpenGLShader.ShaderTypeBit.Vertex, QOpenGLShader.ShaderTypeBit.Fragment
        program.bindAttributeLocation("position", POSITION)
        program.bindAttributeLocation("color", COLOR)
        if not (
            program.addShaderFromSourceCode(vertex, version + VERTEX)
            and program.addShaderFromSourceCode(fragment, version + FRAGMENT)
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
